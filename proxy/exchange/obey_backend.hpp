#pragma once
// What a backend with writes_session asked for by X-Session-Set, -Clear, -Renew and -Lifetime
// (contract 1.5). Called by commit_session.

#include "exchange/exchange.hpp"
#include "io/task.hpp"

namespace keepsake {

// All of it is judged before any of it takes effect: what does not fit changes nothing, is counted
// and logged.
Task<void> obey_backend(Exchange& x);

}  // namespace keepsake
