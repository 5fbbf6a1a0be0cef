#pragma once
// Step 2: which route the request takes, by host, normalised path and method; and whether the body
// that it announces is within the route's limit.

#include "exchange/exchange.hpp"

namespace keepsake {

Fault match_route(Exchange& x);

}  // namespace keepsake
