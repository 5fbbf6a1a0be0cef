#pragma once
// The request's body, piece by piece: from the client to whatever wants it, a backend or an action.
// At most one buffer is ever full; the next read waits for the last write.

#include <string_view>

#include "base/task.hpp"
#include "server/exchange.hpp"

namespace keepsake {

// The next bytes of the request body, decoded: all that have arrived. `data` is valid until the
// next call.
struct BodyPiece {
  Fault fault = Fault::None;
  bool end = false;  // nothing follows `data`
  std::string_view data;
};
Task<BodyPiece> read_body_piece(Exchange& x);

// "HTTP/1.1 100 Continue", if the client waits for it and nothing of the body has arrived yet.
Task<IoStatus> invite_body(Exchange& x);

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
