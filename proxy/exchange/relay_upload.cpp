#include "exchange/relay_upload.hpp"

#include <utility>

#include "exchange/client_side.hpp"
#include "exchange/services.hpp"

namespace keepsake {

namespace {

Task<void> upload(Exchange& x) {
  const bool chunked = x.body.kind == BodyKind::Chunked;
  std::string out;
  while (!x.upload.stop) {
    const BodyPiece piece = co_await read_piece(x);
    if (piece.fault != Fault::None) {
      if (!x.upload.stop) {
        x.upload.fault = piece.fault;
        x.lease->interrupt();  // the backend must not take half a body for a whole one
      }
      break;
    }
    const IoStatus written = co_await x.lease->write_piece(x.rules->timeouts.write, piece.data,
                                                           piece.end, chunked, out);
    if (written == IoStatus::TimedOut && !x.upload.stop) {
      x.upload.fault = Fault::BackendStalled;
      x.lease->interrupt();
    }
    if (written != IoStatus::Ok) {
      break;  // the backend takes no more; its response, if any, is read by the exchange
    }
    if (piece.end) {
      x.upload.done = true;
      x.upload.unsent = x.lease->unsent();
      break;
    }
    if (!x.work.in.empty()) {
      co_await x.lease->stream.next_turn();  // more has come than one turn may take
    }
  }
  x.upload.running = false;
  if (x.client.phase == Client::Phase::Waiting && !x.upload.stop) {
    x.lease->set_read_deadline(response_deadline(x));  // now it is the backend's turn
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
  const int before = std::exchange(x.upload.unsent, x.lease->unsent());
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
    x.lease->interrupt();
  }
  if (x.upload.running) {
    co_await x.upload.finished;
  }
}

}  // namespace keepsake
