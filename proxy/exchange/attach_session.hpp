#pragma once
// Step 3: the visitor's session, from the cookies that the browser sent. Nothing a cookie can
// contain is an error: what does not open is an anonymous visitor, and stays where it is.

#include "exchange/exchange.hpp"
#include "io/task.hpp"
#include "routing/snapshot.hpp"
#include "store/session_store.hpp"

namespace keepsake {

Task<Fault> attach_session(Exchange& x);

// The host that cookies are sealed for, with cookie.bind_host; else empty.
std::string_view seal_host(const Exchange& x);

// What a store is told of time in this exchange.
StoreTimes store_times(const Exchange& x);
StoreTimes store_times(const Snapshot& snapshot, std::int64_t now);

}  // namespace keepsake
