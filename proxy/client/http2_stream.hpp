#pragma once
// One stream of an HTTP/2 connection: the client of one exchange. It is made when its header block
// begins and kept until its exchange has ended, also when the stream itself is gone long before: an
// exchange that a client gave up counts until the backend is rid of it.

#include <coroutine>
#include <cstddef>
#include <memory>
#include <utility>

#include "base/clock.hpp"
#include "exchange/client.hpp"
#include "http2/stream_state.hpp"
#include "io/task.hpp"

namespace keepsake {

class Http2Connection;
class Services;

struct Http2Stream final : Http2StreamState {
  Http2Stream(Http2Connection& at, Services& services, Stream& wire, std::shared_ptr<const Peer> from);

  // Whether something waits longer than it may. Wakes nothing: the worker's sweep goes over lists
  // that an exchange may change.
  bool is_late(SteadyTime now);
  // Interrupts what was late.
  void interrupt_late();
  void wake_writer() {
    if (std::coroutine_handle<> waiter = std::exchange(writer, {})) {
      waiter.resume();
    }
  }
  // The client must take some of what was given within `stall`, or all of it.
  void await_progress();
  // The stream, or the whole connection, is gone: what its exchange waits for ends.
  void leave();

  Http2Connection& connection;
  std::shared_ptr<const Peer> peer;  // as the configuration judged it when the stream began
  Client client;
  bool running = false;                           // its exchange has begun
  SteadyTime start_deadline = SteadyTime::max();  // until when it must have

  // The reader of the body, and how long it waits.
  Wakeup body;
  SteadyTime body_deadline = SteadyTime::max();
  std::size_t given = 0;  // bytes of the last piece; credit is returned when the next is asked for
  bool body_late = false;
  bool stopped = false;  // nothing more of the body is wanted

  // The writer of the response, until what it gave is in the output.
  std::coroutine_handle<> writer{};
  Millis stall{0};
  SteadyTime write_deadline = SteadyTime::max();
  std::uint64_t taken_before = 0;  // Http2StreamState::taken when write_deadline was set
  std::size_t progress = 0;        // how many more bytes it must take until then
  bool write_late = false;

  // The connection's list.
  Http2Stream* next = nullptr;
  Http2Stream** link = nullptr;
};

}  // namespace keepsake
