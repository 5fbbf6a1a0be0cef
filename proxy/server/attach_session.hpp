#pragma once
// Step 3: the visitor's session, from the cookie they sent. Nothing a cookie can contain is an
// error: what does not open is an anonymous visitor.

#include "base/task.hpp"
#include "server/exchange.hpp"
#include "server/snapshot.hpp"
#include "store/session_store.hpp"

namespace keepsake {

Task<Fault> attach_session(Exchange& x);

// What a store is told of time in this exchange.
StoreTimes store_times(const Exchange& x);
StoreTimes store_times(const Snapshot& snapshot, std::int64_t now);

}  // namespace keepsake
