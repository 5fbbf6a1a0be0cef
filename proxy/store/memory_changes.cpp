// What changes the sessions in memory; a part of memory_store.hpp.

#include <algorithm>

#include "store/memory_store.hpp"

namespace keepsake {

namespace {

// Under a limit that was lowered since, a session keeps what it has and may shrink.
std::size_t most_values(const StoreWrite& write, const Session& before) {
  return std::max(write.max_values, before.size());
}

// Two shards at a time, in whatever order; one if they are the same.
struct Locks {
  Locks(std::mutex& a, std::mutex& b) : first(a, std::defer_lock), second(b, std::defer_lock) {
    if (&a == &b) {
      first.lock();
    } else {
      std::lock(first, second);
    }
  }
  std::unique_lock<std::mutex> first, second;
};

}  // namespace

Task<StoreWritten> MemoryStore::change(const StoreWrite& write, const StoreTimes& times) {
  std::vector<Key> ended;
  StoreWritten written{StoreResult::Missing};
  {
    const Key known = key_of(write.id != nullptr ? *write.id : write.fresh);
    Shard& shard = shard_of(known);
    const Locks locks(shard.mutex, shard_of(key_of(write.fresh)).mutex);
    Entry* entry = write.id != nullptr ? find(shard, known, times) : nullptr;
    if (entry != nullptr) {
      written = change_known(shard, *entry, write, times, ended);
    } else if (write.may_begin) {
      Session session;
      apply(write, session);
      written = session.size() > write.max_values ? StoreWritten{StoreResult::TooMany}
                                                  : begin(write, std::move(session), {}, times);
    }
  }
  end_all(ended);
  co_return written;
}

StoreWritten MemoryStore::change_known(Shard& shard, Entry& entry, const StoreWrite& write,
                                       const StoreTimes& times, std::vector<Key>& ended) {
  Session changed = entry.session;
  if (entry.is_former()) {
    erase_privileged(changed, write.privileged);
    changed.created = 0;
    changed.lifetime.reset();
    apply(write, changed);
    if (changed.size() > most_values(write, entry.session)) {
      return {StoreResult::TooMany};
    }
    const StoreWritten begun = begin(write, std::move(changed), former_with(entry), times);
    return begun.result == StoreResult::Missing ? StoreWritten{StoreResult::Emptied} : begun;
  }
  apply(write, changed);
  if (changed.size() > most_values(write, entry.session)) {
    return {StoreResult::TooMany};
  }
  if (changed.empty()) {
    if (entry.renewal) {
      ended = std::move(entry.renewal->former);
    }
    remove(shard, Key{entry.key});
    return {StoreResult::Emptied};
  }
  if (write.renew || changes_privileged(entry.session, changed, write.privileged)) {
    return renew(entry, std::move(changed), write, times, ended);
  }
  changed.touched = times.now;
  std::list<Entry>& before = shard.list_for(entry);
  entry.session = std::move(changed);
  std::list<Entry>& after = shard.list_for(entry);
  after.splice(after.begin(), before, before.begin());  // find() has put it in front
  index_anew(entry);
  return {StoreResult::Ok};
}

std::vector<MemoryStore::Key> MemoryStore::former_with(const Entry& entry) {
  std::vector<Key> former{entry.key};
  if (entry.renewal) {
    former.insert(former.end(), entry.renewal->former.begin(), entry.renewal->former.end());
  }
  return former;
}

// The session goes on as another entry; this one stays for those who still have its id.
StoreWritten MemoryStore::renew(Entry& entry, Session changed, const StoreWrite& write,
                                const StoreTimes& times, std::vector<Key>& ended) {
  std::vector<Key> former = former_with(entry);
  while (former.size() > kFormerIds) {
    ended.push_back(former.back());
    former.pop_back();
  }
  if (!entry.renewal) {
    entry.renewal = std::make_unique<Renewal>();
  }
  entry.renewal->renewed = entry.session.touched = times.now;  // its last use
  entry.renewal->next = key_of(write.fresh);
  erase_changed(entry.session, changed, write.privileged);
  index_anew(entry);
  const StoreWritten begun = begin(write, std::move(changed), std::move(former), times);
  return {StoreResult::Renewed, begun.created, begun.lifetime};
}

// `session` has its values, and `created` if it goes on under the new id.
StoreWritten MemoryStore::begin(const StoreWrite& write, Session session, std::vector<Key> former,
                                const StoreTimes& times) {
  if (session.empty()) {
    return {StoreResult::Missing};
  }
  session.id = write.fresh;
  session.has_id = true;
  session.touched = times.now;
  if (session.created == 0) {
    session.created = times.now;
  }
  const StoreWritten written{StoreResult::Created, session.created, session.lifetime};
  const Key key = key_of(write.fresh);
  Shard& shard = shard_of(key);
  make_room(shard, times);
  Entry entry{key, std::move(session)};
  if (!former.empty()) {
    entry.renewal = std::make_unique<Renewal>(Renewal{std::move(former)});
  }
  std::list<Entry>& list = shard.list_for(entry);
  list.push_front(std::move(entry));
  shard.index[key] = list.begin();
  index_anew(list.front());
  return written;
}

}  // namespace keepsake
