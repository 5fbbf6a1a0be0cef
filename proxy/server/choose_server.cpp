#include "server/choose_server.hpp"

#include "server/worker.hpp"

namespace keepsake {

namespace {

std::optional<std::uint64_t> place_on_ring(const Exchange& x) {
  const Session& session = x.work.session;
  if (x.balancer->config().balance != Balance::SessionHash || !x.session.opened ||
      !session.has_id) {
    return std::nullopt;
  }
  return place_of(session.id);
}

}  // namespace

Choice choose_server(Exchange& x, const Tried& tried) {
  if (x.balancer->config().max_requests != 0 && x.balancer->desk().queue().size() != 0) {
    return {Choice::Verdict::Full, {}};  // others came first
  }
  return x.balancer->choose(place_on_ring(x), tried);
}

Task<Fault> wait_for_server(Exchange& x, const Tried& tried, Choice& choice) {
  const BackendConfig& config = x.balancer->config();
  x.client.phase = Client::Phase::Waiting;
  const SteadyTime deadline = x.client.wire.in(config.queue_timeout);
  QueueWaiter waiter{x.balancer->desk(), x.client.gone, deadline};
  const QueueWaiter::Joined joined = waiter.join(config.queue);
  if (joined == QueueWaiter::Joined::Full) {
    x.note = "the queue is full";
    co_return Fault::Overloaded;
  }
  bool look = joined == QueueWaiter::Joined::First;
  while (true) {
    if (look) {
      choice = x.balancer->choose(place_on_ring(x), tried);
      if (choice.verdict == Choice::Verdict::Full) {
        // A place where it was tried already is a place, too: nobody behind waits for nothing.
        const Tried none;
        choice = x.balancer->choose(place_on_ring(x), none);
      }
      if (choice.verdict != Choice::Verdict::Full) {
        co_return Fault::None;
      }
    }
    co_await waiter.called();
    if (x.client.gone) {
      co_return Fault::ClientGone;
    }
    if (waiter.over()) {
      x.note = "no server had room in time";
      co_return Fault::Overloaded;
    }
    waiter.rejoin();
    look = true;
  }
}

}  // namespace keepsake
