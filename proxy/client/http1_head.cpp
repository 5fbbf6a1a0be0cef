#include "client/http1_head.hpp"

#include <algorithm>
#include <utility>

#include "client/connections.hpp"
#include "client/http1_side.hpp"

namespace keepsake {

namespace {

Fault fault_of(HeadStatus status) {
  switch (status) {
    case HeadStatus::TargetTooLong:
      return Fault::TargetTooLong;
    case HeadStatus::TooLarge:
      return Fault::HeadTooLarge;
    case HeadStatus::BadVersion:
      return Fault::BadVersion;
    default:
      return Fault::BadRequest;
  }
}

// What has arrived of the head.
HeadStatus parse_head(Exchange& x, Fault& fault) {
  const Snapshot& snapshot = *x.view->snapshot;
  RequestHead& head = x.work.request;
  const HeadStatus status =
      parse_request_head(x.work.in.bytes(), snapshot.request_limits, snapshot.names, head);
  if (status == HeadStatus::Ok) {
    x.work.in.hold(head.size);
  } else if (status != HeadStatus::NeedMore) {
    x.note = head.why;
    fault = fault_of(status);
  }
  return status;
}

// A head that did not come whole with its first bytes.
Task<Fault> read_rest(Exchange& x) {
  Stream& wire = x.client.wire;
  Buffer& in = x.work.in;
  const Snapshot& snapshot = *x.view->snapshot;
  const SteadyTime deadline = std::min(wire.in(snapshot.config.timeouts.header),
                                       std::exchange(x.client.head_deadline, SteadyTime::max()));
  Fault fault = Fault::None;
  do {
    if (in.space_size() < snapshot.request_limits.bytes) {
      in.compact();
      x.work.request.reset(snapshot.request_limits.fields);
      if (in.space_size() == 0) {
        co_return Fault::HeadTooLarge;
      }
    }
    const IoResult read = co_await wire.read_some(in.space(), in.space_size(), deadline);
    if (read.status == IoStatus::TimedOut) {
      co_return Fault::HeadTimeout;
    }
    if (read.status != IoStatus::Ok) {
      co_return Fault::ClientGone;
    }
    in.commit(read.bytes);
  } while (parse_head(x, fault) == HeadStatus::NeedMore);
  co_return fault;
}

// The worker's current configuration, whose limits may be larger than those of the one before.
void take_view(Connection& c) {
  Client& client = c.client;
  if (client.view != c.worker.view()) {
    c.take_view();
    if (client.workspace) {
      client.workspace->in.fit();
    }
  }
}

}  // namespace

Task<bool> wait_for_request(Connection& c) {
  Connections& worker = c.worker;
  take_view(c);
  const TimeoutsConfig& timeouts = c.client.view->config().timeouts;
  // A client that has never sent anything gets as long as a head may take, one between exchanges
  // longer.
  const SteadyTime deadline = c.stream.in(c.client.number == 0 ? timeouts.header : timeouts.idle);
  c.client.phase = Client::Phase::Idle;
  c.idle_sweeps = 0;
  if (c.client.workspace && !c.client.workspace->in.empty()) {
    // Pipelined requests, of which a buffer holds thousands: other connections have their turn.
    c.client.phase = Client::Phase::Reading;
    co_await c.stream.next_turn();
  } else {
    if (worker.draining() && worker.streams().now() >= worker.idle_until()) {
      co_return false;
    }
    if (c.client.workspace) {
      worker.give_workspace(std::move(c.client.workspace));
    }
    const IoResult read = co_await c.next_bytes(deadline);
    if (c.parked) {
      worker.unpark(c);
    }
    if (read.status != IoStatus::Ok) {
      co_return false;
    }
    c.client.workspace->in.commit(read.bytes);
  }
  take_view(c);  // it may have been replaced while this connection idled
  ++c.client.number;
  co_return true;
}

Task<Fault> http1::read_head(Exchange& x) {
  x.client.phase = Client::Phase::Reading;
  x.work.request.reset(x.view->snapshot->request_limits.fields);
  Fault fault = Fault::None;
  if (parse_head(x, fault) == HeadStatus::NeedMore) {
    return read_rest(x);
  }
  return fault;
}

}  // namespace keepsake
