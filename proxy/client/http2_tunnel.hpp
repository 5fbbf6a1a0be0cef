#pragma once
// A WebSocket over HTTP/2 (RFC 8441): the stream of an extended CONNECT is the client's end of a
// tunnel. tunnel_end.hpp says what each operation does.

#include "client/http2_stream.hpp"
#include "io/stream.hpp"
#include "io/task.hpp"

namespace keepsake::http2 {

Task<IoResult> read_tunnel(Http2Stream& stream, SteadyTime deadline);
void credit_tunnel(Http2Stream& stream, std::size_t bytes);
Task<IoStatus> write_tunnel(Http2Stream& stream, Millis stall, std::string_view data);
void end_tunnel(Http2Stream& stream);
void abort_tunnel(Http2Stream& stream);
void interrupt_tunnel(Http2Stream& stream);

}  // namespace keepsake::http2
