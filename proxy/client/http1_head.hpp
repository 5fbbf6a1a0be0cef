#pragma once
// HTTP/1: a connection waits for the first bytes of a request, and its head is read off them. The
// second half is read_head() of http1_side.hpp.

#include "client/connection.hpp"
#include "io/task.hpp"

namespace keepsake {

// Waits until a request begins and takes the worker's current configuration for it. False: the
// connection has ended, or idled too long.
Task<bool> wait_for_request(Connection& connection);

}  // namespace keepsake
