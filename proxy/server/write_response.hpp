#pragma once
// Step 6: the response goes to the client: its head with everything the steps before have added,
// then its body as it comes.

#include "base/task.hpp"
#include "server/exchange.hpp"

namespace keepsake {

Task<void> write_response(Exchange& x);

}  // namespace keepsake
