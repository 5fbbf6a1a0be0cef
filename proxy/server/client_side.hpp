#pragma once
// What an exchange does with its client: the seam between the steps and the protocols. The steps
// use nothing else to read a request's body, to write a response, or to break one off; they know
// neither chunks nor connections. HTTP/1: http1_head.cpp, http1_body.cpp, http1_response.cpp.

#include <string>
#include <string_view>

#include "base/stream.hpp"
#include "base/task.hpp"
#include "server/exchange.hpp"
#include "server/route_rules.hpp"

namespace keepsake {

// --- The request

// Reads the head that begins with the bytes in work.in, within its limits and its deadline, into
// work.request, where it is held. Its meaning is not checked: check_request does that.
Task<Fault> read_head(Exchange& x);

// The next bytes of the body, decoded: all that have arrived. `data` is valid until the next call.
struct BodyPiece {
  Fault fault = Fault::None;
  bool end = false;  // nothing follows `data`
  std::string_view data;
};
Task<BodyPiece> read_piece(Exchange& x);

// 100 (Continue), if the client waits for it and nothing of the body has arrived yet.
Task<IoStatus> invite_body(Exchange& x);

// Ends a read_piece() that waits, with a fault: nothing more of the body is wanted.
void stop_reading(Exchange& x);

// --- The response. Heads are composed in work.out as text of HTTP/1.1.

// Completes the final head in work.out, and decides whether another exchange may follow.
void end_head(Exchange& x);

// Writes work.out, a head, and `piece` behind it: what of the body is there when its length tells,
// or nothing. TimedOut: the client accepted no byte for timeouts.write.
inline Stream::WriteAwaiter write_head(Exchange& x, std::string_view piece = {}) {
  return x.client.wire.write(x.rules->timeouts.write, x.work.out, piece);
}

// Writes the next piece of the body, behind the head if that still stands in work.out; with the
// `last` one the end of the body and these trailer lines. Empties work.out.
Task<IoStatus> write_piece(Exchange& x, std::string_view data, bool last,
                           std::string_view trailers = {});

// The response ends here and is incomplete, by this fault: the client will know that it is. Of the
// client's own faults (it left, it accepts nothing) nothing more is said.
void abort_response(Exchange& x, Fault fault);

// After the last byte of a response.
void end_response(Exchange& x);

}  // namespace keepsake
