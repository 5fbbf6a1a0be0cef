#include "exchange/choose_server.hpp"

#include "backend/authenticated_connections.hpp"
#include "exchange/services.hpp"

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

// A client that has authenticated on a connection of its own goes on there.
Choice choose_now(Exchange& x, const Tried& tried) {
  if (has_authenticated(x)) [[unlikely]] {
    AuthenticatedConnections& authenticated = *x.client.authenticated;
    const std::string& backend = x.balancer->config().name;
    ServerPool* const server = authenticated.server_of(backend);
    if (server != nullptr && !tried.has(*server)) {
      if (x.balancer->has(*server) && server->standing().healthy) {
        Slot slot = server->enter();
        return {slot ? Choice::Verdict::Server : Choice::Verdict::Full, std::move(slot)};
      }
      authenticated.forget(backend);  // a reload or a health check took the server out
    }
  }
  return x.balancer->choose(place_on_ring(x), tried);
}

}  // namespace

bool has_authenticated(const Exchange& x) {
  return x.client.authenticated != nullptr && !x.client.authenticated->empty();
}

Choice choose_server(Exchange& x, const Tried& tried) {
  if (x.balancer->config().max_requests != 0 && x.balancer->desk().queue().size() != 0) {
    return {Choice::Verdict::Full, {}};  // others came first
  }
  return choose_now(x, tried);
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
      choice = choose_now(x, tried);
      if (choice.verdict == Choice::Verdict::Full) {
        // A place where it was tried already is a place, too: nobody behind waits for nothing.
        const Tried none;
        choice = choose_now(x, none);
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
