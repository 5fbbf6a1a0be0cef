// HTTP/1: the body of a request, by its length or in chunks (RFC 9112 6, 7.1). Part of
// http1_side.hpp.

#include <algorithm>

#include "client/connections.hpp"
#include "client/http1_side.hpp"

namespace keepsake::http1 {

namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

void take_counted(Exchange& x, BodyPiece& piece) {
  Buffer& in = x.work.in;
  piece.data = in.bytes().substr(
      0, static_cast<std::size_t>(std::min<std::uint64_t>(x.body_left, in.size())));
  x.body_left -= piece.data.size();
  piece.end = x.body_left == 0;
  in.consume(piece.data.size());
}

void take_chunks(Exchange& x, BodyPiece& piece) {
  Buffer& in = x.work.in;
  while (true) {
    const ChunkReader::Piece chunk = x.chunks.next_run(in.data(), in.size());
    switch (chunk.step) {
      case ChunkReader::Step::Data:
        piece.data = chunk.data;
        if (chunk.more) {
          in.consume(chunk.consumed);
          return;
        }
        break;
      case ChunkReader::Step::Trailer:
        break;  // checked and counted; never forwarded
      case ChunkReader::Step::End:
        piece.end = true;
        in.consume(chunk.consumed);
        return;
      case ChunkReader::Step::Bad:
        if (piece.data.empty()) {  // else it is said again by the next call
          x.note = chunk.why;
          piece.fault = Fault::BadBody;
        }
        return;
      case ChunkReader::Step::NeedMore:
        in.consume(chunk.consumed);
        return;
    }
    in.consume(chunk.consumed);
  }
}

// What of the body has arrived. False: nothing that could be used without more bytes.
bool take_arrived(Exchange& x, BodyPiece& piece) {
  if (x.body.kind == BodyKind::Length) {
    take_counted(x, piece);
  } else {
    take_chunks(x, piece);
  }
  x.body_read = piece.end;
  return piece.end || !piece.data.empty() || piece.fault != Fault::None;
}

Fault read_fault(IoStatus status) {
  return status == IoStatus::TimedOut ? Fault::BodyTimeout : Fault::ClientGone;
}

}  // namespace

Task<BodyPiece> read_piece(Exchange& x) {
  BodyPiece piece;
  Buffer& in = x.work.in;
  if (x.body_read) {
    piece.end = true;
    co_return piece;
  }
  while (!take_arrived(x, piece)) {
    in.compact();
    if (in.space_size() == 0) {
      piece.fault = Fault::BadBody;  // a chunk line or trailer of more than a buffer
      co_return piece;
    }
    const IoResult read = co_await x.client.wire.read_some(
        in.space(), in.space_size(), x.client.wire.in(x.rules->timeouts.body));
    if (read.status != IoStatus::Ok) {
      piece.fault = read_fault(read.status);
      co_return piece;
    }
    in.commit(read.bytes);
  }
  x.body_bytes += piece.data.size();
  if (piece.fault == Fault::None && x.body_bytes > x.rules->limits.body) {
    piece.fault = Fault::BodyTooLarge;
  }
  co_return piece;
}

Task<IoStatus> invite_body(Exchange& x) {
  if (!x.expects_continue || !x.work.in.empty()) {
    co_return IoStatus::Ok;
  }
  x.expects_continue = false;
  co_return co_await x.client.wire.write(x.rules->timeouts.write, kContinue);
}

void stop_reading(Exchange& x) {
  x.client.wire.nudge_reader();
}

}  // namespace keepsake::http1
