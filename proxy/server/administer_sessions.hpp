#pragma once
// What operators do with the sessions of a store, on a worker's thread because the links to Redis
// are the workers'. Called by Server for the admin listener; never part of an exchange.

#include <functional>

#include "io/task.hpp"
#include "store/end_sessions.hpp"
#include "store/session_store.hpp"

namespace keepsake {

class Worker;

// Which sessions an operator asks for.
struct SessionsWanted {
  std::optional<std::string> value;  // only those with this value of session.index
  std::string after;                 // what an earlier listing said in `next`
  std::size_t limit = 0;
};

// Each calls `done` once, on the worker's thread; StoreResult::Error if there is no store.
Task<void> list_sessions(Worker& worker, SessionsWanted wanted,
                         std::function<void(StoreListing)> done);
Task<void> end_sessions(Worker& worker, std::string value, std::function<void(StoreEnded)> done);
Task<void> end_session(Worker& worker, StoreKey key, std::function<void(StoreResult)> done);

}  // namespace keepsake
