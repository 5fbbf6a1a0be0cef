#include "server/relay_upload.hpp"

#include <utility>

#include "server/client_side.hpp"
#include "server/worker.hpp"

namespace keepsake {

namespace {

// A piece of at most this much is copied behind its chunk line, so that one write takes both.
constexpr std::size_t kCopiedPiece = 16 * 1024;

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
    const BodyPiece piece = co_await read_piece(x);
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
  if (x.client.phase == Client::Phase::Waiting && !x.upload.stop) {
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
  stop_reading(x);
  if (x.lease) {
    x.lease->stream.interrupt();
  }
  if (x.upload.running) {
    co_await x.upload.finished;
  }
}

}  // namespace keepsake
