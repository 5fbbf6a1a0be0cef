#pragma once
// The only way from a fault to a response: the status, the page, the log line, the state of the
// connection.

#include "exchange/exchange.hpp"

namespace keepsake {

// Makes x.reply (or nothing, when the client is gone) and gives up the backend's link.
void fail_exchange(Exchange& x, Fault fault);

// One line that says who was at fault; no header values, no body, no cookie. For faults that come
// too late for a response of their own; fail_exchange writes its line itself.
void log_fault(Exchange& x, Fault fault);

// "client", "backend" or "proxy": who was at fault.
std::string_view side_text(Side side);

}  // namespace keepsake
