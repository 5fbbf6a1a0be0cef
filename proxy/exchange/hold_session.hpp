#pragma once
// Step: with a store, the session is in use from here to the end of the exchange, and a WebSocket
// ends with its session. The worker's sweep looks after the exchanges on its list; only one that
// takes long has anything done for it. Nothing here waits: what the store says is seen by the next
// sweep.

#include "exchange/exchange.hpp"

namespace keepsake {

// Puts it on the list, if its session is in a store.
void hold_session(Exchange& x);

// From the sweep.
void look_after_session(Exchange& x);

// The exchange is over, which counts as use; the end of a WebSocket does not.
void end_hold(Exchange& x);

// Off the list.
void let_go(Exchange& x);

}  // namespace keepsake
