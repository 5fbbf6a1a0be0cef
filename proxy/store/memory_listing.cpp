// What operators ask of the sessions in memory; the other half of memory_store.hpp.

#include <algorithm>

#include "store/memory_store.hpp"

namespace keepsake {

// A page costs what is on it: it goes on in the bucket of the last key, behind that key. The order
// is that of the table, so a listing that goes on while the table grows may miss or repeat some.
void MemoryStore::list_shard(const Shard& shard, const Key* after, std::size_t limit,
                             const StoreTimes& times, StoreListing& listing) {
  const std::lock_guard lock(shard.mutex);
  const std::size_t first = after != nullptr ? shard.index.bucket(*after) : 0;
  std::vector<StoreEntry>& entries = listing.entries;
  for (std::size_t bucket = first; bucket < shard.index.bucket_count() && entries.size() < limit;
       ++bucket) {
    const std::size_t begin = entries.size();
    for (auto it = shard.index.begin(bucket); it != shard.index.end(bucket); ++it) {
      const Session& session = it->second->session;
      const bool seen = bucket == first && after != nullptr && it->first <= *after;
      if (!seen && !it->second->is_former() && !expired(*it->second, times)) {
        entries.push_back({it->first, session.created, session.touched, session.size()});
      }
    }
    std::sort(entries.begin() + static_cast<std::ptrdiff_t>(begin), entries.end(),
              [](const StoreEntry& a, const StoreEntry& b) { return a.key < b.key; });
  }
  entries.resize(std::min(entries.size(), limit));
}

Task<StoreListing> MemoryStore::list(const std::string& after, std::size_t limit,
                                     const StoreTimes& times) {
  StoreListing listing;
  const std::optional<StoreKey> last = parse_store_key(after);
  if (!last && !after.empty()) {
    listing.result = StoreResult::Missing;
    co_return listing;
  }
  const std::size_t first = last ? (*last)[0] % used_shards_ : 0;
  for (std::size_t i = first; i < used_shards_ && listing.entries.size() < limit; ++i) {
    list_shard(shards_[i], last && i == first ? &*last : nullptr, limit, times, listing);
  }
  if (listing.entries.size() >= limit) {
    append_store_key(listing.entries.back().key, listing.next);
  }
  co_return listing;
}

void MemoryStore::index_anew(Entry& entry) {
  std::optional<IndexTag> tag;
  if (index_name_ && !entry.is_former()) {
    if (const auto value = entry.session.find(*index_name_)) {
      tag = index_.tag_of(*index_name_, *value);
    }
  }
  if (tag == entry.tag) {
    return;
  }
  if (entry.tag) {
    index_.remove(*entry.tag, entry.key);
  }
  if (tag) {
    index_.add(*tag, entry.key);
  }
  entry.tag = tag;
}

void MemoryStore::set_index(const std::optional<std::string>& name) {
  std::vector<std::unique_lock<std::mutex>> locks;  // nobody waits for one of these with another
  for (Shard& shard : shards_) {
    locks.emplace_back(shard.mutex);
  }
  if (name == index_name_) {
    return;
  }
  index_name_ = name;
  for (Shard& shard : shards_) {
    for (const auto& [key, entry] : shard.index) {
      index_anew(*entry);
    }
  }
}

Task<StoreListing> MemoryStore::list_of(const std::string& value, const std::string& after,
                                        std::size_t limit, const StoreTimes& times) {
  StoreListing listing;
  const std::optional<StoreKey> last = parse_store_key(after);
  if (!last && !after.empty()) {
    listing.result = StoreResult::Missing;
    co_return listing;
  }
  IndexTag tag{};
  {
    const std::lock_guard lock(shards_.front().mutex);
    if (!index_name_) {
      co_return listing;
    }
    tag = index_.tag_of(*index_name_, value);
  }
  const std::vector<StoreKey> keys = index_.list(tag, last ? &*last : nullptr, limit);
  for (const StoreKey& key : keys) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.index.find(key);
    if (found != shard.index.end() && found->second->tag == tag &&
        !expired(*found->second, times)) {
      const Session& session = found->second->session;
      listing.entries.push_back({key, session.created, session.touched, session.size()});
    }
  }
  if (keys.size() == limit) {
    append_store_key(keys.back(), listing.next);
  }
  co_return listing;
}

}  // namespace keepsake
