#pragma once
// Ends all sessions of one person at once, whatever the store: for X-Session-Clear: others | all
// and for the admin listener.

#include <span>
#include <string>

#include "io/task.hpp"
#include "store/session_store.hpp"

namespace keepsake {

struct StoreEnded {
  StoreResult result = StoreResult::Ok;  // Error: the store failed in between
  std::size_t count = 0;                 // sessions that have ended
};

// Every session with this value of session.index, but those in `kept`. `store` and `kept` outlive
// the task.
Task<StoreEnded> end_sessions_of(SessionStore& store, std::string value,
                                 std::span<const StoreKey> kept, StoreTimes times);

}  // namespace keepsake
