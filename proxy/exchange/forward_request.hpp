#pragma once
// Step 4, for backend routes: rewrites the head, borrows a link to a server, sends, and reads the
// head of the response. The one place that decides about a second attempt.

#include "exchange/exchange.hpp"
#include "io/task.hpp"

namespace keepsake {

// On success x.work.response and x.response_body describe the response, whose body is still to be
// read from x.lease; or x.tunnel is set and the backend has switched protocols.
Task<Fault> forward_request(Exchange& x);

}  // namespace keepsake
