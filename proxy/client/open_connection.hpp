#pragma once
// What comes before the first request of a connection: the PROXY header of a trusted balancer, then
// the TLS handshake. Only for listeners that have one of them.

#include "client/connection.hpp"
#include "io/task.hpp"
#include "routing/front.hpp"

namespace keepsake {

// False: the connection is of no use and is closed without an answer; that is counted and logged.
// `front` is the connection's own view's.
Task<bool> open_connection(Connection& c, const Front& front);

}  // namespace keepsake
