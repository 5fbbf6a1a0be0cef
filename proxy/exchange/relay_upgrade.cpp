#include "exchange/relay_upgrade.hpp"

#include "exchange/client_side.hpp"
#include "exchange/hold_session.hpp"
#include "exchange/response_head.hpp"
#include "exchange/services.hpp"
#include "exchange/tunnel_end.hpp"

namespace keepsake {

namespace {

// How long the two sides have for their answers to a Close.
constexpr Millis kClosePatience{5000};

// One direction of a tunnel.
struct Way {
  TunnelEnd& from;
  TunnelEnd& to;
  Buffer& in;
  FrameTracker frames;
  std::string close_frame{};
  bool said_close = false;  // nothing may follow it
};

}  // namespace

struct Tunnel {
  Exchange& x;
  SteadyTime last_byte;
  SteadyTime last_message;  // of the client
  Way up;
  Way down;
  bool broken = false;
  bool closing = false;
  SteadyTime close_deadline{};
  bool upward_running = true;
  Wakeup upward_done{};

  // Both sides have said Close, and been told so.
  bool closed() const { return closing && up.frames.closed() && down.frames.closed(); }
};

namespace {

// Behind a Close of the side itself there is nothing to be added.
bool must_say_close(const Tunnel& tunnel, const Way& way) {
  return tunnel.closing && !way.said_close && way.frames.at_boundary() && !way.frames.closed();
}

Task<void> say_close(Tunnel& tunnel, Way& way) {
  const std::string_view frame = way.close_frame;
  const IoStatus status = co_await way.to.write(kClosePatience, frame);
  tunnel.broken = tunnel.broken || status != IoStatus::Ok;
}

// Passes on what has arrived, up to the end of a frame if a Close is to follow. After our Close it
// is only looked at: the other side's Close may be in it.
Task<void> pass_on(Tunnel& tunnel, Way& way) {
  const std::string_view data = way.in.bytes();
  const std::size_t size = way.frames.follow(data, tunnel.closing && !way.said_close);
  if (!way.said_close) {
    const std::string_view part = data.substr(0, size);
    const IoStatus status = co_await way.to.write(tunnel.x.rules->timeouts.write, part);
    tunnel.broken = tunnel.broken || status != IoStatus::Ok;
    tunnel.x.sent += &way == &tunnel.down ? size : 0;
    tunnel.last_byte = tunnel.x.services.streams().now();
    if (&way == &tunnel.up && way.frames.took_message()) {
      tunnel.last_message = tunnel.last_byte;
    }
  }
  way.in.consume(size);
  way.from.credit(size);
}

// Moves bytes from one side to the other until the end of `from`. A side that only listens is fine
// as long as the other one talks.
template <class Read>
Task<void> relay_one_way(Tunnel& tunnel, Way& way, Read read) {
  const Millis idle = tunnel.x.rules->timeouts.idle;
  const StreamList& streams = tunnel.x.services.streams();
  while (!tunnel.broken && !tunnel.closed()) {
    if (must_say_close(tunnel, way)) {
      way.said_close = true;
      co_await say_close(tunnel, way);
      continue;
    }
    if (!way.in.empty()) {
      co_await pass_on(tunnel, way);
      continue;
    }
    const SteadyTime deadline = tunnel.closing ? tunnel.close_deadline : way.from.in(idle);
    const IoResult result = co_await read(deadline);
    if (result.status == IoStatus::Ok) {
      continue;
    }
    if (result.status == IoStatus::TimedOut &&
        (tunnel.closing ? tunnel.close_deadline : tunnel.last_byte + idle) > streams.now()) {
      continue;
    }
    if (result.status == IoStatus::End) {
      way.to.end();
      co_return;
    }
    tunnel.broken = !tunnel.closed();  // else the other way has ended this one
  }
  // Whatever broke one way ends the other.
  way.from.interrupt();
  way.to.interrupt();
}

Task<void> relay_upward(Tunnel& tunnel) {
  Way& up = tunnel.up;
  const auto read = [&up](SteadyTime deadline) { return up.from.read(up.in, deadline); };
  co_await relay_one_way(tunnel, tunnel.up, read);
  tunnel.upward_running = false;
  tunnel.upward_done.wake();
}

Task<void> relay_both_ways(Tunnel& tunnel, BackendConnection& backend) {
  start(relay_upward(tunnel));
  const auto read = [&backend](SteadyTime deadline) -> Task<IoResult> {
    co_return co_await backend.more(deadline);
  };
  co_await relay_one_way(tunnel, tunnel.down, read);
  if (tunnel.upward_running) {
    co_await tunnel.upward_done;
  }
}

}  // namespace

SteadyTime last_message(const Tunnel& tunnel) {
  return tunnel.last_message;
}

void close_tunnel(Tunnel& tunnel, CloseCode code) {
  if (tunnel.closing) {
    return;
  }
  tunnel.closing = true;
  tunnel.close_deadline = tunnel.up.from.in(kClosePatience);
  std::array<std::uint8_t, 4> mask{};
  tunnel.x.services.random().fill(mask);
  tunnel.up.close_frame = close_frame_of_client(code, mask);
  tunnel.down.close_frame = close_frame_of_server(code);
  // A direction that waits for bytes is woken by the sweep that follows, and looks what to do.
  const SteadyTime now = tunnel.x.services.streams().now();
  tunnel.up.from.wake_reader(now);
  tunnel.down.from.wake_reader(now);
}

Task<void> relay_upgrade(Exchange& x) {
  x.status = x.client.http2 != nullptr ? 200 : 101;
  x.keep_alive = false;
  Metrics& metrics = x.services.metrics();
  metrics.add(Counter::Upgrades);
  x.work.out.clear();
  append_switching_head(x, x.work.out);
  if (co_await write_head(x, {}, false) != IoStatus::Ok) {
    x.fault = Fault::ClientGone;
    x.lease.close();
    co_return;
  }
  x.client.phase = Client::Phase::Tunnel;
  metrics.add(Counter::TunnelsOpen);
  x.work.in.compact();
  x.lease->in.compact();
  BackendConnection& backend = *x.lease;
  TunnelEnd client{x.client};
  TunnelEnd server{backend};
  const SteadyTime now = x.services.streams().now();
  Tunnel tunnel{x, now, now,
                Way{client, server, x.work.in, FrameTracker{FrameTracker::From::Client}},
                Way{server, client, backend.in, FrameTracker{FrameTracker::From::Server}}};
  x.client.tunnel = &tunnel;
  if (x.services.draining()) {
    close_tunnel(tunnel, CloseCode::GoingAway);
  }
  co_await relay_both_ways(tunnel, backend);
  end_hold(x);
  client.close(tunnel.broken);
  server.close(tunnel.broken);
  x.client.tunnel = nullptr;
  metrics.subtract(Counter::TunnelsOpen);
  x.client.on_cut = nullptr;
  x.lease.close();
}

}  // namespace keepsake
