#pragma once
// Step 3: whether this client may have this route, and whether not too often. Called only on routes
// that have allow, deny or rate_limits; a refusal leaves the visitor's session as it is.

#include "server/exchange.hpp"

namespace keepsake {

// By the client's address, before anything is done for the request: 403 or 429.
Fault guard_route(Exchange& x);

// By the session, once it is known: 429.
Fault guard_session(Exchange& x);

}  // namespace keepsake
