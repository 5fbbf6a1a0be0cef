#include "client/http2_stream.hpp"

#include <algorithm>
#include <utility>

#include "client/connections.hpp"
#include "client/http2_connection.hpp"

namespace keepsake {

namespace {

// A client that takes less than this in timeouts.write holds a backend for nothing. One byte at a
// time would do so for hours.
constexpr std::size_t kLeastProgress = 4096;

}  // namespace

Http2Stream::Http2Stream(Http2Connection& at, Services& services, Stream& wire,
                         std::shared_ptr<const Peer> from)
    : connection(at), peer(std::move(from)), client(services, wire, *peer, gone) {}

void Http2Stream::await_progress() {
  taken_before = taken;
  progress = std::min(waiting(), kLeastProgress);
  write_deadline = client.wire.in(stall);
}

bool Http2Stream::is_late(SteadyTime now) {
  bool late = false;
  if (gone) {
    leave();  // again: on_cut is set when there is a backend connection, which may come after
  }
  if (body_deadline <= now) {
    body_deadline = SteadyTime::max();
    late = body_late = true;
  }
  if (write_deadline <= now) {
    // Without its fault only the other streams, or the socket, have kept it waiting. The socket has
    // a deadline of its own.
    if (taken - taken_before >= progress || !connection.session().wants_credit(*this)) {
      await_progress();
    } else {
      write_deadline = SteadyTime::max();
      late = write_late = true;
    }
  }
  return late;
}

void Http2Stream::interrupt_late() {
  if (body_late) {
    body.wake();
  }
  if (write_late) {
    wake_writer();
  }
}

void Http2Stream::leave() {
  if (client.on_cut != nullptr) {
    client.on_cut->interrupt();
  }
}

}  // namespace keepsake
