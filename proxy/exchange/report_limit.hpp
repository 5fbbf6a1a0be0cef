#pragma once
// A refusal by a limit (413, 414, 429, 431, 503) names, in the log, the setting that caused it and
// the route; the client learns the number where it can do something about it. Called by
// fail_exchange.

#include "exchange/exchange.hpp"

namespace keepsake {

// Says nothing where `fault` is no limit's. Once a minute for each fault: clients cause them.
void report_limit(Exchange& x, Fault fault);

}  // namespace keepsake
