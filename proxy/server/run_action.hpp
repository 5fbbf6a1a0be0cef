#pragma once
// Step 4, for `set` and `clear` routes: Keepsake answers by itself. Either everything the form asks
// for happens or nothing does.

#include "base/task.hpp"
#include "server/exchange.hpp"

namespace keepsake {

Task<Fault> run_action(Exchange& x);

}  // namespace keepsake
