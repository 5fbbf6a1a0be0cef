#pragma once
// Bodies, piece by piece: from the client to whoever wants them, and from the backend to the
// client. At most one buffer per direction is ever full; the next read waits for the last write.

#include <string_view>

#include "base/task.hpp"
#include "server/exchange.hpp"

namespace keepsake {

// The next bytes of the request body, decoded. `data` is valid until the next call.
struct BodyPiece {
  Fault fault = Fault::None;
  bool end = false;  // the body is complete; `data` is empty
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

// Relays the rest of the backend's response body in the framing that write_response announced. What
// stands in work.out (the head, if the first bytes of the body are there already) goes out before
// it. Sets x.fault and connection.truncated when it ends early.
Task<void> relay_response_body(Exchange& x, bool chunked_to_client);

}  // namespace keepsake
