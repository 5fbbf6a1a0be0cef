#pragma once
// Steps 5 and 6 of a WebSocket: the 101 goes to the client, then bytes pass both ways untouched
// until both sides have ended or neither has said anything for timeouts.idle. When the drain
// begins, or the session ends in its store, each side is sent a Close, 1001 or 1008, behind the
// frame in progress.

#include "exchange/exchange.hpp"
#include "http/websocket_frames.hpp"
#include "io/task.hpp"

namespace keepsake {

Task<void> relay_upgrade(Exchange& x);

// Begins the end of a tunnel. From its worker, once the worker drains, and from hold_session.
void close_tunnel(Tunnel& tunnel, CloseCode code);

// When the client last sent a part of a message; the beginning of the tunnel counts as one.
SteadyTime last_message(const Tunnel& tunnel);

}  // namespace keepsake
