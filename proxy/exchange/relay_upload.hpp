#pragma once
// The request's body on its way from the client to the backend. At most one buffer is ever full;
// the next read waits for the last write.

#include "exchange/exchange.hpp"
#include "io/task.hpp"

namespace keepsake {

// Begins to relay the request body to x.lease beside the exchange's own coroutine, so that a
// response can overtake it. finish_upload() must be awaited before the lease or the exchange ends.
void start_upload(Exchange& x);
Task<void> finish_upload(Exchange& x);

// Until when the backend must have said more. As long as it has not got the whole request, that is
// between the upload's own timeouts: then it has for ever.
SteadyTime response_deadline(const Exchange& x);
// Asked when that time is over: whether the backend still accepts bytes of the request that the
// kernel holds, so that its time has not begun yet.
bool still_accepts_request(Exchange& x);

}  // namespace keepsake
