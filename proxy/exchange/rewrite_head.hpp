#pragma once
// A route's `rewrite` and `response_headers`: the target that the backend gets, and the lines of
// its response that give way. What is added instead stands ready in RouteRules. Plain text work for
// forward_request, response_head and relay_body.

#include "exchange/exchange.hpp"

namespace keepsake {

// Puts the rewritten path in place of x.target's own; the query stays as it came. Once per
// exchange. A fault if some backend could read the path as one that climbs out of its prefix by
// "..".
Fault rewrite_target(Exchange& x);

// Marks the lines of the backend's response that the route replaces or removes.
void mark_rewritten_lines(Exchange& x);

}  // namespace keepsake
