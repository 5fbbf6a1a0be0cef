#pragma once
// Step 6: the response goes to the client: its head with everything the steps before have added,
// then its body as it comes.

#include "exchange/exchange.hpp"
#include "io/task.hpp"

namespace keepsake {

Task<void> write_response(Exchange& x);

}  // namespace keepsake
