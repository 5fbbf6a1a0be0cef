#pragma once
// HTTP/1: a connection waits for the first bytes of a request, and its head is read off them. The
// second half is read_head() of http1_side.hpp.

#include "base/task.hpp"
#include "server/connection.hpp"

namespace keepsake {

// Waits until a request begins and takes the worker's current configuration for it. False: the
// connection has ended, or idled too long.
Task<bool> wait_for_request(Connection& connection);

}  // namespace keepsake
