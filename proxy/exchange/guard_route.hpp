#pragma once
// Step 3: whether this client may have this route, and whether not too often. Called only on routes
// that have allow, deny, require or rate_limits; a refusal leaves the visitor's session as it is.

#include "exchange/exchange.hpp"
#include "routing/route_rules.hpp"

namespace keepsake {

// Whether guard_route, or guard_session, has anything to ask. The rate_limits of another route
// count too, if the path is only another spelling of its own.
inline bool is_guarded(const Exchange& x) {
  return x.rules->guarded || x.folded != nullptr;
}
inline bool is_session_guarded(const Exchange& x) {
  return x.rules->session_guarded || (x.folded != nullptr && x.folded->session_guarded);
}

// By the client's address, before anything is done for the request: 403 or 429.
Fault guard_route(Exchange& x);

// By the session, once it is known: 429, and what require_session answers.
Fault guard_session(Exchange& x);

}  // namespace keepsake
