#pragma once
// Step: which server of the route's backend gets the request. A visitor with a session keeps his
// server where the backend is balanced by session_hash.

#include "backend/balancer.hpp"
#include "exchange/exchange.hpp"
#include "io/task.hpp"

namespace keepsake {

// Whether the client has authenticated on a backend connection, which is its own then.
bool has_authenticated(const Exchange& x);

// At once; verdict Full when every server that could be has max_requests in flight.
Choice choose_server(Exchange& x, const Tried& tried);

// Then in the queue, until there is a place (None, and `choice` holds it), or until there will be
// none: Overloaded after queue.timeout or when queue.size wait already, ClientGone.
Task<Fault> wait_for_server(Exchange& x, const Tried& tried, Choice& choice);

}  // namespace keepsake
