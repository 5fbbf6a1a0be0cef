#pragma once
// The only way from a fault to a response: the status, the page, the log line, the state of the
// connection.

#include "server/exchange.hpp"

namespace keepsake {

// Makes x.reply (or nothing, when the client is gone) and gives up the backend's link.
void fail_exchange(Exchange& x, Fault fault);

}  // namespace keepsake
