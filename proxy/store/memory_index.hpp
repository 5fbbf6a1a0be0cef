#pragma once
// Which sessions in memory have which value of session.index. It keeps HMACs under a key of this
// process, never values. Shared by all workers; sign-ins are rare enough for one lock.

#include <cstdint>
#include <mutex>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/index_tag.hpp"
#include "store/store_key.hpp"

namespace keepsake {

class MemoryIndex {
 public:
  MemoryIndex();

  IndexTag tag_of(std::string_view name, std::string_view value) const;
  void add(const IndexTag& tag, const StoreKey& key);
  void remove(const IndexTag& tag, const StoreKey& key);
  void clear();

  // At most `limit` of the tag's sessions in ascending order, beginning behind `after` (null: at
  // the first).
  std::vector<StoreKey> list(const IndexTag& tag, const StoreKey* after, std::size_t limit) const;
  // Sessions in all.
  std::size_t size() const;

 private:
  struct TagHash {
    std::size_t operator()(const IndexTag& tag) const;
  };

  std::array<std::uint8_t, 32> key_{};
  mutable std::mutex mutex_;
  std::unordered_map<IndexTag, std::set<StoreKey>, TagHash> sessions_;
};

}  // namespace keepsake
