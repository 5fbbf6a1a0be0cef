#pragma once
// Step 2: which route the request takes, by host, normalised path and method.

#include "server/exchange.hpp"

namespace keepsake {

Fault match_route(Exchange& x);

}  // namespace keepsake
