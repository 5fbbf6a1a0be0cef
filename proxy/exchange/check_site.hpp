#pragma once
// Whether the page of another site has caused a request that would change or show a session, open a
// WebSocket on one, or do what the route keeps for its own pages; or whether it may have come
// without the visitor's cookie. Called by run_action, run_show, forward_request and change_session.

#include "exchange/exchange.hpp"
#include "http/cross_site.hpp"

namespace keepsake {

// CrossSite if so: it is counted, the client is told which two addresses differ, and the log, at a
// limited rate, what the operator can do.
Fault check_site(Exchange& x);

// What the request says of the page that caused it.
SiteHints site_hints(const Exchange& x);

// Whether a browser keeps the session cookie back from this request because of its SameSite (RFC
// 6265bis 5.8.3): a form of a payment provider, with `strict` also a link from another site. A
// visitor without a cookie may have a session then.
bool may_lack_cookie(const Exchange& x);

}  // namespace keepsake
