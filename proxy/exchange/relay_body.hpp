#pragma once
// The response's body, piece by piece, from the backend to the client. At most one buffer is ever
// full; the next read waits for the last write.

#include "exchange/exchange.hpp"
#include "io/task.hpp"

namespace keepsake {

// Relays the rest of the backend's response body. What stands in work.out (the head, if the first
// bytes of the body are there already) goes out before it. Sets x.fault when it ends early.
Task<void> relay_response_body(Exchange& x);

}  // namespace keepsake
