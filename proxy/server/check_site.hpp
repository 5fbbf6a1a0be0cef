#pragma once
// Whether the page of another site has caused a request that would change a session or open a
// WebSocket on one. Called by run_action and forward_request.

#include "server/exchange.hpp"

namespace keepsake {

// CrossSite if so: it is counted, the client is told which two addresses differ, and the log, at a
// limited rate, what the operator can do.
Fault check_site(Exchange& x);

}  // namespace keepsake
