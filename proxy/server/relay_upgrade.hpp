#pragma once
// Steps 5 and 6 of a WebSocket: the 101 goes to the client, then bytes pass both ways untouched
// until both sides have ended or neither has said anything for timeouts.idle.

#include "base/task.hpp"
#include "server/exchange.hpp"

namespace keepsake {

Task<void> relay_upgrade(Exchange& x);

}  // namespace keepsake
