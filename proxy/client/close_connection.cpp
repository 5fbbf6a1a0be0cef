#include "client/close_connection.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>

#include "client/connections.hpp"

namespace keepsake {

namespace {

// A lingering connection is read as long as bytes keep coming: an upload that was refused may need
// that long before its client looks at the response.
constexpr Millis kMaxPause{2000};
constexpr Millis kMaxLinger{30'000};
// How often the kernel is asked whether the client has accepted everything.
constexpr Millis kLook{20};

Task<void> discard_input(Stream& stream, asio::mutable_buffer space, const Connections& worker) {
  SteadyTime end = stream.in(kMaxLinger);
  IoResult read;
  do {
    if (worker.draining()) {
      end = std::min(end, stream.in(kMaxPause));
    }
    read = co_await stream.read_some(static_cast<char*>(space.data()), space.size(),
                                     std::min(stream.in(kMaxPause), end));
  } while (read.status == IoStatus::Ok);
}

asio::mutable_buffer input_space(Connection& c) {
  if (!c.client.workspace) {
    c.client.workspace = c.worker.take_workspace();
  }
  Buffer& in = c.client.workspace->in;
  in.release_held();
  in.consume(in.size());
  return {in.space(), in.space_size()};
}

// Until the client has accepted every byte, or none for `timeouts.write`: a reset would destroy
// what the kernel still holds.
Task<void> wait_until_sent(Connection& c) {
  struct Pause {
    asio::steady_timer& timer;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      timer.async_wait([waiter](const error_code&) { waiter.resume(); });
    }
    void await_resume() const {}
  };
  const Millis stall = c.client.view->config().timeouts.write;
  asio::steady_timer timer{c.worker.io()};
  SteadyTime deadline = c.stream.in(stall);
  int before = c.stream.unsent();
  while (before > 0 && !c.stream.interrupted() && !c.stream.is_reset() &&
         c.worker.streams().now() < deadline) {
    timer.expires_after(kLook);
    Pause pause{timer};
    co_await pause;
    const int unsent = c.stream.unsent();
    if (unsent < before) {
      deadline = c.stream.in(stall);
    }
    before = unsent;
  }
}

}  // namespace

Task<void> linger(Stream& stream, asio::mutable_buffer space, const Connections& worker) {
  stream.shutdown_write();
  return discard_input(stream, space, worker);
}

Task<void> close_connection(Connection& c) {
  using Ending = Client::Ending;
  c.client.phase = Client::Phase::Writing;
  switch (c.client.ending) {
    case Ending::Close:
      break;
    case Ending::Linger:
      c.client.phase = Client::Phase::Lingering;
      co_await linger(c.stream, input_space(c), c.worker);
      break;
    case Ending::Truncate:
      c.client.phase = Client::Phase::Lingering;
      c.stream.break_off();
      co_await discard_input(c.stream, input_space(c), c.worker);
      break;
    case Ending::Reset:
      co_await wait_until_sent(c);
      c.stream.close_with_reset();
      break;
    case Ending::Abandon:
      c.stream.close_with_reset();
      break;
  }
  c.stream.close();
}

}  // namespace keepsake
