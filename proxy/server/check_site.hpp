#pragma once
// Whether the page of another site has caused a request that would change or show a session, open a
// WebSocket on one, or do what the route keeps for its own pages. Called by run_action, run_show
// and forward_request.

#include "http/cross_site.hpp"
#include "server/exchange.hpp"

namespace keepsake {

// CrossSite if so: it is counted, the client is told which two addresses differ, and the log, at a
// limited rate, what the operator can do.
Fault check_site(Exchange& x);

// What the request says of the page that caused it.
SiteHints site_hints(const Exchange& x);

}  // namespace keepsake
