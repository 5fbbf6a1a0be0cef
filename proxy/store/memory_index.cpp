#include "store/memory_index.hpp"

#include <cstring>

#include "base/random.hpp"

namespace keepsake {

std::size_t MemoryIndex::TagHash::operator()(const IndexTag& tag) const {
  std::size_t hash = 0;  // the tag is a digest already
  std::memcpy(&hash, tag.data(), sizeof hash);
  return hash;
}

MemoryIndex::MemoryIndex() {
  Random random;
  random.fill(key_);
}

IndexTag MemoryIndex::tag_of(std::string_view name, std::string_view value) const {
  return index_tag(key_, name, value);
}

void MemoryIndex::add(const IndexTag& tag, const StoreKey& key) {
  const std::lock_guard lock(mutex_);
  sessions_[tag].insert(key);
}

void MemoryIndex::remove(const IndexTag& tag, const StoreKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(tag);
  if (found == sessions_.end()) {
    return;
  }
  found->second.erase(key);
  if (found->second.empty()) {
    sessions_.erase(found);
  }
}

void MemoryIndex::clear() {
  const std::lock_guard lock(mutex_);
  sessions_.clear();
}

std::vector<StoreKey> MemoryIndex::list(const IndexTag& tag, const StoreKey* after,
                                        std::size_t limit) const {
  std::vector<StoreKey> keys;
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(tag);
  if (found == sessions_.end()) {
    return keys;
  }
  const std::set<StoreKey>& all = found->second;
  for (auto key = after != nullptr ? all.upper_bound(*after) : all.begin();
       key != all.end() && keys.size() < limit; ++key) {
    keys.push_back(*key);
  }
  return keys;
}

std::size_t MemoryIndex::size() const {
  const std::lock_guard lock(mutex_);
  std::size_t sum = 0;
  for (const auto& [tag, keys] : sessions_) {
    sum += keys.size();
  }
  return sum;
}

}  // namespace keepsake
