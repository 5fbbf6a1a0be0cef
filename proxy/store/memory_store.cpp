#include "store/memory_store.hpp"

#include <algorithm>
#include <cstring>

#include "store/store_key.hpp"

namespace keepsake {

namespace {

constexpr std::size_t kWorthAShard = 64;
// Of the expired, so many go for each new one: the store shrinks, and nobody waits for it.
constexpr int kSweptAtOnce = 4;

void apply(const StoreChanges& changes, Session& session) {
  for (const auto& [key, value] : changes) {
    if (value.empty()) {
      session.erase(key);
    } else {
      session.set(key, value);
    }
  }
}

}  // namespace

bool MemoryStore::expired(const Session& session, const StoreTimes& times) {
  return times.now - session.touched > times.idle_timeout ||
         times.now - session.created > times.absolute_timeout;
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
  if (expired(found->second->session, times)) {
    remove(shard, key);
    return nullptr;
  }
  shard.by_use.splice(shard.by_use.begin(), shard.by_use, found->second);
  return &*found->second;
}

void MemoryStore::remove(Shard& shard, const Key& key) {
  if (const auto found = shard.index.find(key); found != shard.index.end()) {
    shard.by_use.erase(found->second);
    shard.index.erase(found);
  }
}

void MemoryStore::make_room(Shard& shard, const StoreTimes& times) {
  for (int swept = 0; !shard.by_use.empty(); ++swept) {
    const bool full = shard.by_use.size() >= max_per_shard_;
    if (!full && (swept >= kSweptAtOnce || !expired(shard.by_use.back().session, times))) {
      return;
    }
    shard.index.erase(shard.by_use.back().key);
    shard.by_use.pop_back();
  }
}

Task<StoreResult> MemoryStore::load(const SessionId& id, const StoreTimes& times, Session& out) {
  const Key key = key_of(id);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  Entry* entry = find(shard, key, times);
  if (entry == nullptr) {
    co_return StoreResult::Missing;
  }
  if (times.now - entry->session.touched >= times.touch_interval) {
    entry->session.touched = times.now;
  }
  out = entry->session;
  co_return StoreResult::Ok;
}

StoreResult MemoryStore::begin(const SessionId& fresh, const StoreChanges& changes,
                               std::size_t max_values, const StoreTimes& times) {
  Session session;
  apply(changes, session);
  if (session.empty()) {
    return StoreResult::Missing;
  }
  if (session.size() > max_values) {
    return StoreResult::TooMany;
  }
  session.id = fresh;
  session.has_id = true;
  session.created = session.touched = times.now;
  const Key key = key_of(fresh);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  make_room(shard, times);
  shard.by_use.push_front({key, std::move(session)});
  shard.index[key] = shard.by_use.begin();
  return StoreResult::Created;
}

Task<StoreResult> MemoryStore::change(const SessionId* id, const SessionId* fresh,
                                      const StoreChanges& changes, std::size_t max_values,
                                      const StoreTimes& times) {
  if (id != nullptr) {
    const Key key = key_of(*id);
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    if (Entry* entry = find(shard, key, times)) {
      Session changed = entry->session;
      apply(changes, changed);
      // Under a limit that was lowered since, a session keeps what it has and may shrink.
      if (changed.size() > std::max(max_values, entry->session.size())) {
        co_return StoreResult::TooMany;
      }
      if (changed.empty()) {
        remove(shard, key);
        co_return StoreResult::Emptied;
      }
      changed.touched = times.now;
      entry->session = std::move(changed);
      co_return StoreResult::Ok;
    }
  }
  co_return fresh == nullptr ? StoreResult::Missing : begin(*fresh, changes, max_values, times);
}

Task<StoreResult> MemoryStore::erase(const SessionId& id) {
  const Key key = key_of(id);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  remove(shard, key);
  co_return StoreResult::Ok;
}

std::size_t MemoryStore::size() const {
  std::size_t sum = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    sum += shard.by_use.size();
  }
  return sum;
}

}  // namespace keepsake
