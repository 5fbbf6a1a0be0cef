#pragma once
// A route that tells a load balancer on a traffic port whether to send requests here: what /readyz
// of the admin listener says. Called by run_action.

#include "exchange/exchange.hpp"

namespace keepsake {

Fault run_health(Exchange& x);

}  // namespace keepsake
