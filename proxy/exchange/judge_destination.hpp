#pragma once
// The Destination of COPY and MOVE (RFC 4918 10.3) is a second target, which a backend acts upon:
// it must not lead where the request itself would not have come. Called by match_route.

#include "exchange/exchange.hpp"

namespace keepsake {

// A fault unless host, port and route are the request's. `destination` is the first such field.
Fault judge_destination(Exchange& x, const Field& destination);

}  // namespace keepsake
