#pragma once
// Part of guard_route: the `require` of a route, judged for the session of the request.

#include "exchange/exchange.hpp"

namespace keepsake {

// None: admitted. SessionRequired: 401, or 303 to the route's `else` for a page load, whose page is
// kept for the way back. SessionRefused: 403. StoreDown: 503.
Fault require_session(Exchange& x);

}  // namespace keepsake
