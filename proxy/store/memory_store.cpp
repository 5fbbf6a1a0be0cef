#include "store/memory_store.hpp"

#include <algorithm>
#include <cstring>

#include "store/store_key.hpp"

namespace keepsake {

namespace {

constexpr std::size_t kWorthAShard = 64;
// Of the expired, so many go for each new one: the store shrinks, and nobody waits for it.
constexpr int kSweptAtOnce = 4;

}  // namespace

bool MemoryStore::expired(const Entry& entry, const StoreTimes& times) {
  return times.now - entry.session.touched > idle_timeout_of(entry.session.lifetime, times) ||
         times.now - entry.session.created > times.absolute_timeout ||
         (entry.is_former() && times.now - entry.renewal->renewed > kFormerIdLasts);
}

MemoryStore::MemoryStore(std::size_t max_sessions)
    : used_shards_(std::clamp<std::size_t>(max_sessions / kWorthAShard, 1, kShards)) {
  set_max_sessions(max_sessions);
}

void MemoryStore::set_max_sessions(std::size_t max_sessions) {
  max_per_shard_ = std::max<std::size_t>(1, max_sessions / used_shards_);
}

std::size_t MemoryStore::KeyHash::operator()(const Key& key) const {
  std::size_t hash = 0;  // the key is a digest already
  std::memcpy(&hash, key.data() + 8, sizeof hash);
  return hash;
}

MemoryStore::Key MemoryStore::key_of(const SessionId& id) {
  return store_key(id);
}

MemoryStore::Entry* MemoryStore::find(Shard& shard, const Key& key, const StoreTimes& times) {
  const auto found = shard.index.find(key);
  if (found == shard.index.end()) {
    return nullptr;
  }
  if (expired(*found->second, times)) {
    remove(shard, key);
    return nullptr;
  }
  if (!found->second->is_former()) {
    std::list<Entry>& list = shard.list_for(*found->second);
    list.splice(list.begin(), list, found->second);
  }
  return &*found->second;
}

void MemoryStore::remove(Shard& shard, const Key& key) {
  if (const auto found = shard.index.find(key); found != shard.index.end()) {
    if (found->second->tag) {
      index_.remove(*found->second->tag, key);
    }
    shard.list_for(*found->second).erase(found->second);
    shard.index.erase(found);
  }
}

void MemoryStore::make_room(Shard& shard, const StoreTimes& times) {
  for (int swept = 0; shard.size() != 0; ++swept) {
    const Entry& last = least_used(shard, times);
    if (shard.size() < max_per_shard_ && (swept >= kSweptAtOnce || !expired(last, times))) {
      return;
    }
    remove(shard, Key{last.key});
  }
}

MemoryStore::Entry& MemoryStore::least_used(Shard& shard, const StoreTimes& times) {
  if (shard.by_use.empty() || shard.lasting.empty()) {
    return shard.by_use.empty() ? shard.lasting.back() : shard.by_use.back();
  }
  Entry& usual = shard.by_use.back();
  Entry& lasting = shard.lasting.back();
  if (expired(usual, times) != expired(lasting, times)) {
    return expired(usual, times) ? usual : lasting;
  }
  return lasting.session.touched < usual.session.touched ? lasting : usual;
}

Task<StoreResult> MemoryStore::load(const SessionId& id, const StoreTimes& times, Session& out) {
  const Key key = key_of(id);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  Entry* entry = find(shard, key, times);
  if (entry == nullptr) {
    co_return StoreResult::Missing;
  }
  if (entry->is_former()) {
    out = entry->session;
    co_return StoreResult::Former;
  }
  if (times.now - entry->session.touched >= touch_interval_of(entry->session.lifetime, times)) {
    entry->session.touched = times.now;
  }
  out = entry->session;
  co_return StoreResult::Ok;
}

Task<StoreResult> MemoryStore::erase(const SessionId& id) {
  co_return end_with_former(key_of(id)) ? StoreResult::Ok : StoreResult::Missing;
}

Task<StoreResult> MemoryStore::end(const StoreKey& key) {
  co_return end_with_former(key) ? StoreResult::Ok : StoreResult::Missing;
}

bool MemoryStore::end_with_former(const Key& key) {
  std::vector<Key> former;
  {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.index.find(key);
    if (found == shard.index.end()) {
      return false;
    }
    if (found->second->renewal) {
      former = std::move(found->second->renewal->former);
    }
    remove(shard, key);
  }
  end_all(former);
  return true;
}

void MemoryStore::end_all(const std::vector<Key>& keys) {
  for (const Key& key : keys) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    remove(shard, key);
  }
}

Task<StoreResult> MemoryStore::use(StoreKey& key, const std::optional<StoreUse>& use,
                                   const StoreTimes& times) {
  for (std::size_t renewals = 0; renewals <= kFormerIds; ++renewals) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.index.find(key);
    if (found == shard.index.end()) {
      break;
    }
    Entry& entry = *found->second;
    if (entry.is_former() && !expired(entry, times)) {
      key = entry.renewal->next;
      continue;
    }
    std::int64_t& touched = entry.session.touched;
    const std::optional<std::uint32_t>& lifetime = entry.session.lifetime;
    if (use && use->from - touched <= idle_timeout_of(lifetime, times) &&
        use->to - touched >= touch_interval_of(lifetime, times) && use->to > touched) {
      touched = use->to;
    }
    co_return find(shard, Key{key}, times) != nullptr ? StoreResult::Ok : StoreResult::Missing;
  }
  co_return StoreResult::Missing;
}

std::size_t MemoryStore::size() const {
  std::size_t sum = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    sum += shard.size();
  }
  return sum;
}

}  // namespace keepsake
