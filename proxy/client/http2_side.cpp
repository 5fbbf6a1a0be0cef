#include "client/http2_side.hpp"

#include <utility>

#include "client/connections.hpp"
#include "client/http2_connection.hpp"

namespace keepsake::http2 {

namespace {

// A body that has come whole gets a length of its own: many small servers cannot read chunks.
constexpr std::size_t kMaxMeasured = 32 * 1024;

Http2Stream& stream_of(Exchange& x) {
  return *x.client.http2;
}

// The last piece has been taken: the client may send as much again.
void return_credit(Http2Stream& stream, Buffer& in) {
  if (const std::size_t bytes = std::exchange(stream.given, 0); bytes != 0) {
    in.consume(bytes);
    stream.connection.session().credit(stream, bytes);
    stream.connection.write_soon();
  }
}

}  // namespace

Fault read_head(Exchange& x) {
  const Http2Stream& stream = stream_of(x);
  x.client.phase = Client::Phase::Reading;
  x.note = stream.fault == Fault::None ? std::string_view{} : stream.why;
  return stream.fault;
}

// Without a length the end of the stream is the end of the body (RFC 9113 8.1).
void measure_body(Exchange& x) {
  const Http2Stream& stream = stream_of(x);
  if (x.body.kind != BodyKind::None || x.body.error != 0 || stream.websocket) {
    return;
  }
  const std::size_t come = stream.buffered();
  if (!stream.ended) {
    x.body.kind = BodyKind::Chunked;
  } else if (come != 0) {
    x.body.kind = come <= kMaxMeasured ? BodyKind::Length : BodyKind::Chunked;
    x.body.length = come;
  }
}

Task<BodyPiece> read_piece(Exchange& x) {
  Http2Stream& stream = stream_of(x);
  Buffer& in = x.work.in;
  BodyPiece piece;
  return_credit(stream, in);
  if (x.body_read) {
    piece.end = true;
    co_return piece;
  }
  while (true) {
    stream.refill();
    if (!in.empty() || stream.ended) {
      break;
    }
    if (stream.closed || stream.stopped || stream.body_late) {
      piece.fault = stream.body_late ? Fault::BodyTimeout : Fault::ClientGone;
      co_return piece;
    }
    stream.body_deadline = x.client.wire.in(x.rules->timeouts.body);
    co_await stream.body;
    stream.body_deadline = SteadyTime::max();
  }
  stream.body_late = false;  // it came just in time
  piece.data = in.bytes();
  stream.given = piece.data.size();
  piece.end = stream.ended && stream.buffered() == stream.given;
  x.body_read = piece.end;
  x.body_left -= std::min<std::uint64_t>(x.body_left, stream.given);
  x.body_bytes += stream.given;
  if (x.body_bytes > x.rules->limits.body) {
    piece.fault = Fault::BodyTooLarge;
  }
  co_return piece;
}

IoStatus invite_body(Exchange& x) {
  if (!x.expects_continue || !x.work.in.empty()) {
    return IoStatus::Ok;
  }
  x.expects_continue = false;
  x.work.scratch.assign("HTTP/1.1 100 Continue\r\n\r\n");
  Http2Stream& stream = stream_of(x);
  const bool told = stream.connection.session().respond_interim(stream, x.work.scratch);
  stream.connection.write_soon();
  return told ? IoStatus::Ok : IoStatus::Failed;
}

void stop_reading(Exchange& x) {
  Http2Stream& stream = stream_of(x);
  stream.stopped = true;
  stream.body.wake();
}

void end_head(Exchange& x) {
  x.keep_alive = false;
  x.work.out.append("\r\n");
}

IoStatus write_interim(Exchange& x) {
  Http2Stream& stream = stream_of(x);
  const bool told = stream.connection.session().respond_interim(stream, x.work.out);
  stream.connection.write_soon();
  return told ? IoStatus::Ok : IoStatus::Failed;
}

bool give_head(Exchange& x, std::string_view piece, bool last) {
  Http2Stream& stream = stream_of(x);
  Http2Session& session = stream.connection.session();
  const bool given = x.tunnel ? session.respond_tunnel(stream, x.work.out)
                              : session.respond(stream, x.work.out, piece, last);
  stream.connection.write_soon();
  return given;
}

Task<IoStatus> write_piece(Exchange& x, std::string_view data, bool last,
                           std::string_view trailers) {
  Http2Stream& stream = stream_of(x);
  Http2Session& session = stream.connection.session();
  const bool ends = last && trailers.empty();
  bool given = true;
  if (!x.work.out.empty()) {
    given = give_head(x, data, ends);
  } else if (!data.empty() || ends) {
    given = session.send(stream, data, ends);
  }
  x.work.out.clear();
  IoStatus status = IoStatus::Failed;
  if (given) {
    stream.connection.write_soon();
    status = co_await Sent{stream, x.rules->timeouts.write};
  }
  if (status == IoStatus::Ok && last && !ends) {
    // Trailers may have to wait for room or for credit; who leaves now gives the stream up.
    status = session.send(stream, {}, true, trailers) ? IoStatus::Ok : IoStatus::Failed;
    stream.connection.write_soon();
    if (status == IoStatus::Ok) {
      status = co_await Sent{stream, x.rules->timeouts.write};
    }
  }
  co_return status;
}

void abort_response(Exchange& x, Fault fault) {
  Http2Stream& stream = stream_of(x);
  x.keep_alive = false;
  stream.connection.session().reset(
      stream, fault == Fault::ClientStalled ? Http2Code::Cancel : Http2Code::InternalError);
  stream.connection.write_soon();
}

bool Sent::await_ready() const {
  return stream.closed || stream.connection.session().sent(stream);
}

void Sent::await_suspend(std::coroutine_handle<> waiter) const {
  stream.stall = stall;
  stream.write_late = false;
  stream.await_progress();
  stream.writer = waiter;
}

IoStatus Sent::await_resume() const {
  stream.write_deadline = SteadyTime::max();
  if (stream.connection.session().sent(stream)) {
    return IoStatus::Ok;
  }
  return stream.write_late ? IoStatus::TimedOut : IoStatus::Failed;
}

}  // namespace keepsake::http2
