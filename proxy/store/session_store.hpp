#pragma once
// Where sessions live when the cookie holds only their id: one interface, two stores (memory_store,
// redis_store). Called by attach_session, run_action and commit_session. A miss and a failure are
// different things: a miss is an anonymous visitor, a failure logs nobody out.
//
// A call is one round trip, more only where a session begins in place of one that is gone or gets a
// new id. Each trip is about one session. Ids never reach a store in the clear: the key is SHA-256
// of the id.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "io/task.hpp"
#include "session/privileged.hpp"
#include "session/session.hpp"
#include "store/store_key.hpp"

namespace keepsake {

enum class StoreResult : std::uint8_t {
  Ok,
  Former,   // load(): the id that a session had until lately; never to be renewed
  Missing,  // no such session (any more)
  Created,  // change(): there was none, a new one holds the values
  Renewed,  // change(): the session goes on under its new id
  Emptied,  // change(): the last value went, and the session with it
  TooMany,  // change(): more values than allowed; nothing was changed
  Error,    // the store could not be asked, or did not answer in time
};

// What a store must know of time to judge and renew a session; in unix seconds or seconds, but for
// the deadline.
struct StoreTimes {
  std::int64_t now = 0;
  std::int64_t idle_timeout = 0;
  std::int64_t absolute_timeout = 0;
  std::int64_t touch_interval = 0;
  SteadyTime deadline = SteadyTime::max();  // of the whole call, if the store's own is not earlier
};

// How long a session with this lifetime of its own, if it has one, may idle.
inline std::int64_t idle_timeout_of(const std::optional<std::uint32_t>& lifetime,
                                    const StoreTimes& times) {
  return lifetime.value_or(0) != 0 ? std::int64_t{*lifetime} : times.idle_timeout;
}

// How old its stamp is when it is renewed: never more than half of what it may idle. An interval
// above the absolute timeout means never.
inline std::int64_t touch_interval_of(const std::optional<std::uint32_t>& lifetime,
                                      const StoreTimes& times) {
  return lifetime.value_or(0) != 0 && times.touch_interval <= times.absolute_timeout
             ? std::min<std::int64_t>(times.touch_interval, *lifetime / 2)
             : times.touch_interval;
}

// How many seconds a session that is used now may live without another use, and the one in which
// it is over.
inline std::int64_t time_left(const Session& session, const StoreTimes& times) {
  return std::min(idle_timeout_of(session.lifetime, times),
                  times.absolute_timeout - (times.now - session.created)) +
         1;
}

// A session as operators see it: never its values.
struct StoreEntry {
  StoreKey key{};
  std::int64_t created = 0;
  std::int64_t touched = 0;
  std::size_t values = 0;
};
struct StoreListing {
  StoreResult result = StoreResult::Ok;  // Missing: `after` is none of this store's
  std::vector<StoreEntry> entries;
  std::string next;  // `after` of the next page; empty: this was the last
};

// Values to set, in order; an empty value removes its key.
using StoreChanges = std::vector<std::pair<std::string, std::string>>;

inline void apply(const StoreChanges& changes, Session& session) {
  for (const auto& [key, value] : changes) {
    if (value.empty()) {
      session.erase(key);
    } else {
      session.set(key, value);
    }
  }
}

// For so many seconds the id that a session had before its renewal can still be read: requests of
// the same page are under way with it.
inline constexpr std::int64_t kFormerIdLasts = 30;
// A session remembers so many of its former ids, which end together with it.
inline constexpr std::size_t kFormerIds = 4;

// What a change makes of a session's lifetime: see Session::lifetime.
struct LifetimeChange {
  std::optional<std::uint32_t> lifetime;
};

// What change() does. `values` and `privileged` outlive the call.
struct StoreWrite {
  const SessionId* id = nullptr;  // the session that is known, if any
  SessionId fresh{};              // the id of one that begins, and the new id of a renewed one
  bool may_begin = false;         // if the known session is gone, or none is known
  bool renew = false;             // a new id, whatever changes
  const StoreChanges& values;
  PrivilegedKeys privileged{};  // keys whose change gives the session a new id
  std::size_t max_values = 0;
  std::optional<LifetimeChange> lifetime{};  // empty: it stays
};
inline void apply(const StoreWrite& write, Session& session) {
  apply(write.values, session);
  if (write.lifetime) {
    session.lifetime = write.lifetime->lifetime;
  }
}

struct StoreWritten {
  StoreResult result = StoreResult::Error;
  std::int64_t created = 0;                 // Created and Renewed: the session's stamp
  std::optional<std::uint32_t> lifetime{};  // and its lifetime
};

// A time in which a session was in use: a long request, messages of a WebSocket. Unix seconds.
struct StoreUse {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

class SessionStore {
 public:
  virtual ~SessionStore() = default;

  // Fills the values, created, touched and lifetime of `out` (whose id is set) and, if its stamp is
  // older than times.touch_interval, renews it and the time it has left. Ok, Former, Missing or
  // Error. An expired session is Missing. A former id is never touched, and may have no value left.
  virtual Task<StoreResult> load(const SessionId& id, const StoreTimes& times, Session& out) = 0;

  // Applies the values to the known session if it exists. If it does not: Missing, or with
  // may_begin the values begin a new session under `fresh` (Created), which nobody knew before;
  // values that only remove begin nothing (Missing).
  //
  // A change of a privileged key, or `renew`, gives the session the id `fresh` (Renewed). Its
  // former id lasts for kFormerIdLasts, without the privileged keys that changed. A write under a
  // former id begins a session from what is not privileged there (Created).
  virtual Task<StoreWritten> change(const StoreWrite& write, const StoreTimes& times) = 0;

  // Ends the session and its former ids for every replica. Missing when there was none.
  virtual Task<StoreResult> erase(const SessionId& id) = 0;

  // Remembers that the session was in use, once per times.touch_interval: Ok, Missing or Error.
  // Without a use it only looks. `key` of a session that was renewed becomes the new one.
  virtual Task<StoreResult> use(StoreKey& key, const std::optional<StoreUse>& use,
                                const StoreTimes& times) = 0;

  // For operators: about `limit` sessions, beginning behind `after` (empty: at the first). A
  // session that is there all the while is listed, perhaps twice. Bounded work, whatever there is.
  virtual Task<StoreListing> list(const std::string& after, std::size_t limit,
                                  const StoreTimes& times) = 0;
  // The same of the sessions that have this value under the key of session.index.
  virtual Task<StoreListing> list_of(const std::string& value, const std::string& after,
                                     std::size_t limit, const StoreTimes& times) = 0;
  // Ends a session, and its former ids, by the name that list() gave it. Ok or Missing.
  virtual Task<StoreResult> end(const StoreKey& key) = 0;
};

}  // namespace keepsake
