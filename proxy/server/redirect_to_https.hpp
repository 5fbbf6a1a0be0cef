#pragma once
// On a listener with `redirect_to_https` every request in plain http is sent to the same address
// under https.

#include "server/exchange.hpp"

namespace keepsake {

// Fills the reply.
Fault redirect_to_https(Exchange& x);

}  // namespace keepsake
