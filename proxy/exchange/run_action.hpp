#pragma once
// Step 4, for `set` and `clear` routes: Keepsake answers by itself. Either everything the form asks
// for happens or nothing does.

#include "exchange/exchange.hpp"
#include "io/task.hpp"

namespace keepsake {

Task<Fault> run_action(Exchange& x);

}  // namespace keepsake
