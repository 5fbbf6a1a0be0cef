#include "server/relay_upgrade.hpp"

#include "server/response_head.hpp"
#include "server/worker.hpp"

namespace keepsake {

namespace {

struct Tunnel {
  Exchange& x;
  SteadyTime last_byte;
  bool broken = false;
  bool upward_running = true;
  Wakeup upward_done;
};

// Moves bytes from one side to the other until the end of `from`. A side that only listens is fine
// as long as the other one talks.
template <class Read>
Task<void> relay_one_way(Tunnel& tunnel, Stream& from, Stream& to, Buffer& in, Read read) {
  const TimeoutsConfig& timeouts = tunnel.x.rules->timeouts;
  while (!tunnel.broken) {
    if (!in.empty()) {
      const std::string_view data = in.bytes();
      if (co_await to.write(timeouts.write, data) != IoStatus::Ok) {
        tunnel.broken = true;
        break;
      }
      tunnel.x.sent += &from == &tunnel.x.lease->stream ? data.size() : 0;
      in.consume(data.size());
      tunnel.last_byte = tunnel.x.worker.streams().now();
    }
    const IoResult result = co_await read(from.in(timeouts.idle));
    if (result.status == IoStatus::Ok) {
      continue;
    }
    if (result.status == IoStatus::TimedOut &&
        tunnel.last_byte + timeouts.idle > tunnel.x.worker.streams().now()) {
      continue;
    }
    if (result.status == IoStatus::End) {
      to.shutdown_write();
      co_return;
    }
    tunnel.broken = true;
  }
  // Whatever broke one way ends the other.
  from.interrupt();
  to.interrupt();
}

Task<void> relay_upward(Tunnel& tunnel) {
  Exchange& x = tunnel.x;
  Buffer& in = x.work.in;
  Stream& client = x.connection.stream;
  const auto read = [&in, &client](SteadyTime deadline) -> Task<IoResult> {
    const IoResult result = co_await client.read_some(in.space(), in.space_size(), deadline);
    if (result.status == IoStatus::Ok) {
      in.commit(result.bytes);
    }
    co_return result;
  };
  co_await relay_one_way(tunnel, client, x.lease->stream, in, read);
  tunnel.upward_running = false;
  tunnel.upward_done.wake();
}

}  // namespace

Task<void> relay_upgrade(Exchange& x) {
  x.status = 101;
  x.keep_alive = false;
  Metrics& metrics = x.worker.metrics();
  metrics.add(Counter::Upgrades);
  x.work.out.clear();
  append_switching_head(x, x.work.out);
  if (co_await x.connection.stream.write(x.rules->timeouts.write, x.work.out) != IoStatus::Ok) {
    x.fault = Fault::ClientGone;
    x.lease.close();
    co_return;
  }
  x.connection.phase = Connection::Phase::Tunnel;
  metrics.add(Counter::TunnelsOpen);
  x.work.in.compact();
  x.lease->in.compact();
  Tunnel tunnel{x, x.worker.streams().now(), false, true, {}};
  start(relay_upward(tunnel));
  BackendConnection& backend = *x.lease;
  const auto read = [&backend](SteadyTime deadline) -> Task<IoResult> {
    co_return co_await backend.more(deadline);
  };
  co_await relay_one_way(tunnel, backend.stream, x.connection.stream, backend.in, read);
  if (tunnel.upward_running) {
    co_await tunnel.upward_done;
  }
  metrics.subtract(Counter::TunnelsOpen);
  x.connection.on_cut = nullptr;
  x.lease.close();
}

}  // namespace keepsake
