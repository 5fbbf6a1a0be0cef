#pragma once
// Steps 5 and 6 of a WebSocket: the 101 goes to the client, then bytes pass both ways untouched
// until both sides have ended or neither has said anything for timeouts.idle. When the drain begins
// each side is sent a Close, 1001, behind the frame in progress.

#include "base/task.hpp"
#include "server/exchange.hpp"

namespace keepsake {

Task<void> relay_upgrade(Exchange& x);

// Begins the end of a tunnel. From its worker, once the worker drains.
void close_tunnel(Tunnel& tunnel);

}  // namespace keepsake
