#pragma once
// Where sessions live when the cookie holds only their id: one interface, two stores (memory_store,
// redis_store). Called by attach_session, run_action and commit_session. A miss and a failure are
// different things: a miss is an anonymous visitor, a failure logs nobody out.
//
// Every call is at most one round trip. Ids never reach a store in the clear: the key is SHA-256 of
// the id.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/task.hpp"
#include "session/session.hpp"
#include "store/store_key.hpp"

namespace keepsake {

enum class StoreResult : std::uint8_t {
  Ok,
  Missing,  // no such session (any more)
  Created,  // change(): there was none, a new one holds the values
  Emptied,  // change(): the last value went, and the session with it
  TooMany,  // change(): more values than allowed; nothing was changed
  Error,    // the store could not be asked, or did not answer in time
};

// What a store must know of time to judge and renew a session; all in unix seconds or seconds.
struct StoreTimes {
  std::int64_t now = 0;
  std::int64_t idle_timeout = 0;
  std::int64_t absolute_timeout = 0;
  std::int64_t touch_interval = 0;
};

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

class SessionStore {
 public:
  virtual ~SessionStore() = default;

  // Fills the values, created and touched of `out` (whose id is set) and, if its stamp is older
  // than times.touch_interval, renews it and the time it has left. Ok, Missing or Error. An expired
  // session is Missing.
  virtual Task<StoreResult> load(const SessionId& id, const StoreTimes& times, Session& out) = 0;

  // Applies `changes` to the session `id` if it exists. If it does not: Missing when `fresh` is
  // null, else the values begin a new session under *fresh (Created), which nobody knew before;
  // changes that only remove begin nothing (Missing).
  virtual Task<StoreResult> change(const SessionId* id, const SessionId* fresh,
                                   const StoreChanges& changes, std::size_t max_values,
                                   const StoreTimes& times) = 0;

  // Ends the session for every replica. Ok also when there was none.
  virtual Task<StoreResult> erase(const SessionId& id) = 0;

  // For operators: about `limit` sessions, beginning behind `after` (empty: at the first). A
  // session that is there all the while is listed, perhaps twice. Bounded work, whatever there is.
  virtual Task<StoreListing> list(const std::string& after, std::size_t limit,
                                  const StoreTimes& times) = 0;
  // Ends a session by the name that list() gave it. Ok or Missing.
  virtual Task<StoreResult> end(const StoreKey& key) = 0;
};

}  // namespace keepsake
