#include "server/relay_upload.hpp"

#include <algorithm>
#include <utility>

#include "server/worker.hpp"

namespace keepsake {

namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
// A piece of at most this much is copied behind its chunk line, so that one write takes both.
constexpr std::size_t kCopiedPiece = 16 * 1024;

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

// Writes one piece, as a chunk of its own if `chunked`; with the last one the end of the body.
Task<IoStatus> pass_on(Exchange& x, const BodyPiece& piece, bool chunked, std::string& out) {
  const Millis stall = x.rules->timeouts.write;
  Stream& backend = x.lease->stream;
  if (!chunked) {
    co_return co_await backend.write(stall, piece.data);
  }
  out.clear();
  if (!piece.data.empty()) {
    append_chunk_line(piece.data.size(), out);
    if (piece.data.size() > kCopiedPiece) {
      const std::string_view end = piece.end ? kEndAndLastChunk : kChunkEnd;
      co_return co_await backend.write(stall, out, piece.data, end);
    }
    out.append(piece.data).append(kChunkEnd);
  }
  if (piece.end) {
    out.append(kLastChunk);
  }
  co_return co_await backend.write(stall, out);
}

Task<void> upload(Exchange& x) {
  const bool chunked = x.body.kind == BodyKind::Chunked;
  std::string out;
  while (!x.upload.stop) {
    const BodyPiece piece = co_await read_body_piece(x);
    if (piece.fault != Fault::None) {
      if (!x.upload.stop) {
        x.upload.fault = piece.fault;
        x.lease->stream.interrupt();  // the backend must not take half a body for a whole one
      }
      break;
    }
    const IoStatus written = co_await pass_on(x, piece, chunked, out);
    if (written == IoStatus::TimedOut && !x.upload.stop) {
      x.upload.fault = Fault::BackendStalled;
      x.lease->stream.interrupt();
    }
    if (written != IoStatus::Ok) {
      break;  // the backend takes no more; its response, if any, is read by the exchange
    }
    if (piece.end) {
      x.upload.done = true;
      x.upload.unsent = x.lease->stream.unsent();
      break;
    }
    if (!x.work.in.empty()) {
      co_await x.lease->stream.next_turn();  // more has come than one turn may take
    }
  }
  x.upload.running = false;
  if (x.connection.phase == Connection::Phase::Waiting && !x.upload.stop) {
    x.lease->stream.set_read_deadline(response_deadline(x));  // now it is the backend's turn
  }
  x.upload.finished.wake();
}

}  // namespace

SteadyTime response_deadline(const Exchange& x) {
  return x.upload.running ? SteadyTime::max() : x.lease->stream.in(x.rules->timeouts.response);
}

bool still_accepts_request(Exchange& x) {
  if (!x.upload.done) {
    return false;
  }
  const int before = std::exchange(x.upload.unsent, x.lease->stream.unsent());
  return x.upload.unsent < before;
}

Task<BodyPiece> read_body_piece(Exchange& x) {
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
    const IoResult read = co_await x.connection.stream.read_some(
        in.space(), in.space_size(), x.connection.stream.in(x.rules->timeouts.body));
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
  co_return co_await x.connection.stream.write(x.rules->timeouts.write, kContinue);
}

void start_upload(Exchange& x) {
  x.upload.began = true;
  x.upload.running = true;
  start(upload(x));
}

Task<void> finish_upload(Exchange& x) {
  if (!x.upload.running) {
    co_return;
  }
  x.upload.stop = true;
  x.connection.stream.nudge_reader();
  if (x.lease) {
    x.lease->stream.interrupt();
  }
  if (x.upload.running) {
    co_await x.upload.finished;
  }
}

}  // namespace keepsake
