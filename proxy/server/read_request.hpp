#pragma once
// Step 1: a request's head, within its limits and its deadline, checked so strictly that nobody
// behind us can read it differently (RFC 9112 3, 5, 6).

#include "base/task.hpp"
#include "server/exchange.hpp"

namespace keepsake {

// Waits until the first byte of a request is in the connection's workspace. False: the client is
// gone, idled too long, or the worker is draining.
Task<bool> wait_for_request(Connection& connection);

// Reads and judges the head. On a fault the head's fields may be looked at only if x.head_read.
Task<Fault> read_request(Exchange& x);

}  // namespace keepsake
