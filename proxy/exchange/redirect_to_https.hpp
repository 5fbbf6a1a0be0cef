#pragma once
// On a listener with `redirect_to_https` every request that did not come by https is sent to the
// same address under https.

#include "exchange/exchange.hpp"

namespace keepsake {

// False where a trusted proxy has ended the visitor's https: its request goes on to the routes, as
// a redirect would lead it here again.
bool wants_https(const Exchange& x);

// Fills the reply.
Fault redirect_to_https(Exchange& x);

}  // namespace keepsake
