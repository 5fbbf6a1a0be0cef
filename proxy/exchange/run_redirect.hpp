#pragma once
// A route that is a redirect and nothing else. Called by run_action; no session, no body, no store.

#include "exchange/exchange.hpp"

namespace keepsake {

// x.reply is the redirect. The query of the request goes along; so does the path below the route's
// prefix where both the route's path and its redirect end in "/*".
Fault run_redirect(Exchange& x);

}  // namespace keepsake
