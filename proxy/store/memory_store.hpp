#pragma once
// Sessions in the memory of this one process, shared by its workers: bounded, least recently used
// first out, gone with the process. Divided into shards so that workers seldom wait for each other.

#include <array>
#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "store/memory_index.hpp"
#include "store/session_store.hpp"

namespace keepsake {

class MemoryStore final : public SessionStore {
 public:
  explicit MemoryStore(std::size_t max_sessions);

  Task<StoreResult> load(const SessionId& id, const StoreTimes& times, Session& out) override;
  Task<StoreWritten> change(const StoreWrite& write, const StoreTimes& times) override;
  Task<StoreResult> erase(const SessionId& id) override;
  Task<StoreResult> use(StoreKey& key, const std::optional<StoreUse>& use,
                        const StoreTimes& times) override;
  Task<StoreListing> list(const std::string& after, std::size_t limit,
                          const StoreTimes& times) override;
  Task<StoreListing> list_of(const std::string& value, const std::string& after, std::size_t limit,
                             const StoreTimes& times) override;
  Task<StoreResult> end(const StoreKey& key) override;

  std::size_t size() const;
  // From a reload; the surplus goes at the next change.
  void set_max_sessions(std::size_t max_sessions);
  // At start and from a reload: which session key is indexed, if any.
  void set_index(const std::optional<std::string>& name);
  // Sessions that are in the index.
  std::size_t indexed() const { return index_.size(); }

 private:
  using Key = StoreKey;
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  // Of sessions that were renewed, which are few.
  struct Renewal {
    std::vector<Key> former;   // the ids before, newest first
    std::int64_t renewed = 0;  // when this id became a former one; 0: it is the session's
    Key next{};                // then: what the session goes on as
  };
  struct Entry {
    Key key;
    Session session;
    std::unique_ptr<Renewal> renewal = nullptr;
    std::optional<IndexTag> tag{};  // under which the index has it
    bool is_former() const { return renewal && renewal->renewed != 0; }
  };
  // Sessions with a lifetime of their own stand apart: each list ends with what expires first, so
  // that a look at its end finds what may go.
  struct Shard {
    mutable std::mutex mutex;
    std::list<Entry> by_use;   // most recent first
    std::list<Entry> lasting;  // the same, of sessions with a lifetime of their own
    std::size_t size() const { return index.size(); }
    std::list<Entry>& list_for(const Entry& entry) {
      return entry.session.lifetime ? lasting : by_use;
    }
    std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> index;
  };
  static constexpr std::size_t kShards = 16;

  static bool expired(const Entry& entry, const StoreTimes& times);
  static void list_shard(const Shard& shard, const Key* after, std::size_t limit,
                         const StoreTimes& times, StoreListing& listing);
  static Key key_of(const SessionId& id);
  Shard& shard_of(const Key& key) { return shards_[key[0] % used_shards_]; }
  // The live entry, moved to the front; null if there is none. The shard is locked.
  Entry* find(Shard& shard, const Key& key, const StoreTimes& times);
  void remove(Shard& shard, const Key& key);
  // The index follows what the session says now. The shard is locked.
  void index_anew(Entry& entry);
  // Whether it was there.
  bool end_with_former(const Key& key);
  void end_all(const std::vector<Key>& keys);
  // Room for one more: the expired among the least recently used go, and whatever is above the
  // bound.
  void make_room(Shard& shard, const StoreTimes& times);
  // The last of the two lists that has waited longer, an expired one first. The shard is not empty.
  static Entry& least_used(Shard& shard, const StoreTimes& times);

  // The parts of change(), which has locked the shards. What ends with it goes into `ended`.
  StoreWritten change_known(Shard& shard, Entry& entry, const StoreWrite& write,
                            const StoreTimes& times, std::vector<Key>& ended);
  StoreWritten renew(Entry& entry, Session changed, const StoreWrite& write,
                     const StoreTimes& times, std::vector<Key>& ended);
  StoreWritten begin(const StoreWrite& write, Session session, std::vector<Key> former,
                     const StoreTimes& times);
  static std::vector<Key> former_with(const Entry& entry);

  const std::size_t used_shards_;  // few sessions share one, so that the bound is exact
  std::atomic<std::size_t> max_per_shard_;
  std::array<Shard, kShards> shards_;
  MemoryIndex index_;
  std::optional<std::string> index_name_;  // changes with all shards locked
};

}  // namespace keepsake
