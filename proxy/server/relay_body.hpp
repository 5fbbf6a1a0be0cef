#pragma once
// The response's body, piece by piece, from the backend to the client. At most one buffer is ever
// full; the next read waits for the last write.

#include "base/task.hpp"
#include "server/exchange.hpp"

namespace keepsake {

// Relays the rest of the backend's response body in the framing that write_response announced. What
// stands in work.out (the head, if the first bytes of the body are there already) goes out before
// it. Sets x.fault and connection.ending when it ends early.
Task<void> relay_response_body(Exchange& x, bool chunked_to_client);

// A response without a length reaches an HTTP/1.0 client as "until the connection closes".
bool ends_by_close(const Exchange& x);

}  // namespace keepsake
