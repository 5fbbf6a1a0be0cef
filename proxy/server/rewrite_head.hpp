#pragma once
// A route's `rewrite` and `response_headers`: the target that the backend gets, and the lines of
// its response that give way. What is added instead stands ready in RouteRules. Plain text work for
// forward_request, response_head and relay_body.

#include "server/exchange.hpp"

namespace keepsake {

// Puts the rewritten path in place of x.target's own; the query stays as it came. Once per
// exchange. A fault if some backend could read the path as one that climbs out of its prefix by
// "..".
Fault rewrite_target(Exchange& x);

// `path`, as it came, without its first segments `prefix` (in normal form), if it begins with them.
// Bytes are untouched where what is left means the same alone; where the prefix was written in
// another way (%61pi, /x/../api) the rest of `normal`, the same path in normal form, takes their
// place. `scratch` is overwritten.
std::string_view strip_prefix(std::string_view path, std::string_view normal,
                              std::string_view prefix, std::string& scratch);

// Marks the lines of the backend's response that the route replaces or removes.
void mark_rewritten_lines(Exchange& x);

}  // namespace keepsake
