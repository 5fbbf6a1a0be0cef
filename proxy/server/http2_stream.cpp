#include "server/http2_stream.hpp"

#include <utility>

#include "server/http2_connection.hpp"
#include "server/worker.hpp"

namespace keepsake {

Http2Stream::Http2Stream(Http2Connection& at, Worker& worker, Stream& wire, const Peer& peer)
    : connection(at), client(worker, wire, peer, gone) {}

void Http2Stream::look_at_deadlines(SteadyTime now) {
  if (body_deadline <= now) {
    body_deadline = SteadyTime::max();
    body_late = true;
    body.wake();
    return;  // the exchange may have gone on to its end; the other deadline waits for the next look
  }
  if (write_deadline == SteadyTime::max()) {
    return;
  }
  if (std::exchange(taken_before, taken) != taken) {
    write_deadline = client.wire.in(stall);  // the client took some of it: that is progress
  } else if (write_deadline <= now) {
    write_deadline = SteadyTime::max();
    write_late = true;
    wake_writer();
  }
}

void Http2Stream::leave() {
  if (client.on_cut != nullptr) {
    client.on_cut->interrupt();
  }
}

}  // namespace keepsake
