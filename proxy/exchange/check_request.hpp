#pragma once
// Step 1: what the head of a request says, checked strictly and alike for every protocol: framing,
// target, host, connection options, expectations. Nothing ambiguous is repaired (RFC 9112).

#include "base/error.hpp"
#include "exchange/exchange.hpp"

namespace keepsake {

Fault check_request(Exchange& x);

}  // namespace keepsake
