#include "client/http2_tunnel.hpp"

#include <utility>

#include "backend/websocket_accept.hpp"
#include "client/http2_connection.hpp"
#include "client/http2_side.hpp"

namespace keepsake::http2 {

bool answers_key(const Exchange& x) {
  const Field* key = x.work.request.find(FieldId::SecWebSocketKey);
  const Field* accept = x.work.response.find(FieldId::SecWebSocketAccept);
  if (key == nullptr || accept == nullptr) {
    return false;
  }
  return accept->value == websocket_accept(key->value);
}

Task<IoResult> read_tunnel(Http2Stream& stream, SteadyTime deadline) {
  Buffer& in = *stream.place.in;
  IoResult result;
  while (true) {
    stream.refill();
    if (stream.stopped) {
      result.status = IoStatus::Interrupted;
    } else if (!in.empty()) {
      result.bytes = in.size();
    } else if (stream.ended) {
      result.status = IoStatus::End;
    } else if (stream.closed) {
      result.status = IoStatus::Failed;
    } else if (std::exchange(stream.body_late, false)) {
      result.status = IoStatus::TimedOut;
    } else {
      stream.body_deadline = deadline;
      co_await stream.body;
      stream.body_deadline = SteadyTime::max();
      continue;
    }
    co_return result;
  }
}

void credit_tunnel(Http2Stream& stream, std::size_t bytes) {
  stream.connection.session().credit(stream, bytes);
  stream.connection.write_soon();
}

Task<IoStatus> write_tunnel(Http2Stream& stream, Millis stall, std::string_view data) {
  if (stream.stopped) {
    co_return IoStatus::Interrupted;
  }
  if (data.empty()) {
    co_return IoStatus::Ok;
  }
  if (!stream.connection.session().send(stream, data, false)) {
    co_return IoStatus::Failed;
  }
  stream.connection.write_soon();
  co_return co_await Sent{stream, stall};
}

void end_tunnel(Http2Stream& stream) {
  stream.connection.session().send(stream, {}, true);
  stream.connection.write_soon();
}

// As a connection that was reset (RFC 8441 5).
void abort_tunnel(Http2Stream& stream) {
  stream.connection.session().reset(stream, Http2Code::Cancel);
  stream.connection.write_soon();
}

void interrupt_tunnel(Http2Stream& stream) {
  stream.stopped = true;
  stream.body.wake();
  stream.wake_writer();
}

}  // namespace keepsake::http2
