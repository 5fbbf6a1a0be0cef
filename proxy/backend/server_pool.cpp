#include "backend/server_pool.hpp"

#include <sys/socket.h>

#include <algorithm>

#include "backend/authenticated_connections.hpp"
#include "backend/shared_connections.hpp"
#include "io/tls.hpp"

namespace keepsake {

namespace {

// How long one of several addresses is waited for before the next one is tried (RFC 8305 5 says
// 250 ms).
constexpr Millis kHurry{250};

// This host has no way there: it lacks the address family, or the network.
bool is_unreachable(const error_code& error) {
  return error == asio::error::network_unreachable || error == asio::error::host_unreachable ||
         error == asio::error::address_family_not_supported ||
         error == boost::system::errc::address_not_available;
}

}  // namespace

ServerPool::ServerPool(PoolContext context, const BackendConfig& backend,
                       const ServerConfig& server, PoolShares shares)
    : context_(context),
      shares_(std::move(shares)),
      backend_(backend.name),
      url_(server.url),
      server_(server),
      addresses_(literal_endpoints(server.address)) {
  apply(backend);
  ServerFigures::set(shares_.figures->addresses, addresses_.size());
  shares_.figures->healthy.store(true, std::memory_order_relaxed);
  shares_.figures->ejected.store(false, std::memory_order_relaxed);
}

ServerPool::~ServerPool() {
  close_idle();
}

void ServerPool::apply(const BackendConfig& backend) {
  max_idle_ = backend.keepalive_idle;
  idle_timeout_ = backend.keepalive_idle_timeout;
  ejection_failures_ = backend.ejection_failures;
  ejection_time_ = backend.ejection_time;
  slow_start_ = backend.slow_start;
  if (std::exchange(http2_, backend.http2) != backend.http2) {
    if (!shared_) {
      shared_ = std::make_unique<SharedConnections>(*this, context_);
    }
    close_idle();  // they speak the other protocol
  }
  max_requests_ = backend.max_requests;
  idle_.reserve(max_idle_);
  shares_.backend->desk->queue().call_all();  // the limit may have been raised
}

void ServerPool::set_endpoints(std::vector<Endpoint> endpoints) {
  if (endpoints.empty()) {
    return;
  }
  addresses_.set(std::move(endpoints));
  ServerFigures::set(shares_.figures->addresses, addresses_.size());
  ++generation_;
  std::erase_if(idle_, [this](BackendConnection* connection) {
    const bool gone = !current(*connection);
    if (gone) {
      BackendConnection::destroy(connection);
    }
    return gone;
  });
  if (shared_) {
    shared_->retire_outdated();
  }
  count_links();
}

void ServerPool::use_tls(const BackendConfig& backend, std::shared_ptr<const TlsBackend> tls) {
  tls_.apply(backend, server_, std::move(tls));
  close_distrusted();
}

// Idle links that were made by other settings or files.
void ServerPool::close_distrusted() {
  if (const unsigned epoch = tls_.epoch(); epoch != idle_epoch_) {
    idle_epoch_ = epoch;
    close_idle();
  }
}

bool ServerPool::current(BackendConnection& connection) {
  if (tls_.wanted() && connection.tls_epoch != tls_.epoch()) {
    return false;
  }
  if (connection.generation != generation_) {
    if (!addresses_.has(connection.endpoint)) {
      return false;
    }
    connection.generation = generation_;
  }
  return true;
}

Lease ServerPool::wake(BackendConnection* connection, bool check) {
  connection->idle_ = false;
  if (expired(*connection, context_.streams.now()) || !current(*connection) ||
      (check ? connection->is_stale() : connection->is_known_stale())) {
    context_.metrics.add(Counter::BackendStale);
    BackendConnection::destroy(connection);
    return {};
  }
  if (connection->requests_left != KeepAlive::kUnsaid) {
    --connection->requests_left;
  }
  connection->ready_buffer();
  connection->reused = true;
  context_.metrics.add(Counter::BackendReused);
  return Lease{*this, connection};
}

Lease ServerPool::take_idle(bool check) {
  if (http2_) {
    return shared_->take();
  }
  Lease lease;
  while (!lease && !idle_.empty()) {
    BackendConnection* connection = idle_.back();
    idle_.pop_back();
    count_links();
    lease = wake(connection, check);
  }
  return lease;
}

Task<void> ServerPool::try_address(const Endpoint& endpoint, Millis patience, Millis timeout,
                                   BackendConnection*& in_use, Connected& result) {
  auto connection =
      std::make_unique<BackendConnection>(*this, context_.io, context_.streams, context_.buffers);
  connection->endpoint = endpoint;
  connection->generation = generation_;
  context_.metrics.add(Counter::BackendConnects);
  ServerFigures::add(shares_.figures->connects);
  Lease lease{*this, connection.release()};
  in_use = &*lease;
  const SteadyTime deadline = lease->stream.in(timeout);
  result.error = co_await lease->stream.connect(endpoint, lease->stream.in(patience));
  if (!result.error && endpoint.protocol().family() != AF_UNIX) {
    tune_tcp(lease->stream.fd());
  }
  result.tls_failure.clear();
  if (!result.error && tls_.wanted()) {
    lease->tls_epoch = tls_.epoch();
    result.error =
        co_await tls_.secure(lease->stream, deadline, &context_.metrics, result.tls_failure);
    if (!result.error && http2_ && !lease->stream.tls()->speaks_http2()) {
      result.error = asio::error::no_protocol_option;
      result.tls_failure =
          "the server does not choose h2 (ALPN): backends." + backend_ + ".http2 is true";
    }
  }
  in_use = nullptr;
  if (lease->stream.interrupted()) {
    result.error = asio::error::operation_aborted;
  } else if (!result.error) {
    addresses_.worked(endpoint);
    result.lease = std::move(lease);
  } else {
    context_.metrics.add(Counter::BackendConnectFailures);
    addresses_.failed(endpoint, context_.streams.now() + ejection_time_);
  }
}

Task<ServerPool::Connected> ServerPool::connect(Millis timeout, BackendConnection*& in_use) {
  return http2_ ? shared_->connect(timeout, in_use) : connect_alone(timeout, in_use);
}

Task<ServerPool::Connected> ServerPool::connect_alone(Millis timeout, BackendConnection*& in_use) {
  Connected result;
  result.error = asio::error::host_not_found;
  // A copy: the resolver may replace the addresses while we wait.
  std::vector<Endpoint> order = addresses_.order(context_.streams.now());
  const auto is_ours = [this](const Endpoint& endpoint) {
    return context_.own != nullptr && context_.own->has(endpoint);
  };
  result.itself = std::erase_if(order, is_ours) != 0 && order.empty();
  // Like RFC 8305, in turn instead of side by side: an address that says nothing is left for the
  // next one soon, and is waited for only when no other is better.
  const std::size_t all = order.size();
  const SteadyTime end = context_.streams.now() + 2 * timeout;
  unsigned timeouts = 0;
  for (std::size_t i = 0; i < order.size() && timeouts < 2; ++i) {
    if (i != 0 && context_.streams.now() >= end) {
      break;
    }
    const Endpoint endpoint = order[i];  // the list grows
    const bool hurry = all > 1 && i < all;
    const Millis patience = hurry ? std::min(timeout, kHurry) : timeout;
    Connected tried;
    co_await try_address(endpoint, patience, timeout, in_use, tried);
    if (tried.lease || tried.error == asio::error::operation_aborted) {
      co_return std::move(tried);
    }
    // Why an address of the other family cannot even be tried is the less interesting reason.
    if (i == 0 || !is_unreachable(tried.error)) {
      result.error = tried.error;
      result.tls_failure = std::move(tried.tls_failure);
    }
    if (tried.error == asio::error::timed_out) {
      if (hurry) {
        order.push_back(endpoint);
      } else {
        ++timeouts;
      }
    }
  }
  // Of the server, not of one of its addresses: the other half of `localhost` is no failure.
  ServerFigures::add(shares_.figures->connect_failures);
  co_return std::move(result);
}

Slot ServerPool::enter() {
  const bool counted = max_requests_ != 0;
  if (counted && !shares_.server->enter(max_requests_)) {
    return {};
  }
  ++in_flight_;
  ++shares_.backend->in_flight;
  ServerFigures::add(shares_.figures->requests);
  ServerFigures::set(shares_.figures->in_flight, in_flight_);
  return Slot{*this, counted};
}

void ServerPool::leave(bool counted) {
  --in_flight_;
  --shares_.backend->in_flight;
  ServerFigures::set(shares_.figures->in_flight, in_flight_);
  if (counted) {
    shares_.server->leave();
    shares_.backend->desk->queue().call();
  }
}

void ServerPool::set_healthy(bool healthy, SteadyTime now) {
  if (healthy && !healthy_) {
    well_since_ = now;
  }
  healthy_ = healthy;
  refresh(now);
}

void ServerPool::count_success() {
  failures_ = 0;
  if (standing_.ejected) {
    ejected_until_ = context_.streams.now();
    refresh(ejected_until_);
  }
}

void ServerPool::eject(SteadyTime now) {
  failures_ = 0;
  ejected_until_ = now + ejection_time_;
  ServerFigures::add(shares_.figures->ejections);
  refresh(now);
}

void ServerPool::refresh(SteadyTime now) {
  Standing next{healthy_, now < ejected_until_, 10};
  const SteadyTime back = std::max(well_since_, ejected_until_);
  if (back <= now && now < back + slow_start_) {
    next.tenths = static_cast<std::uint8_t>(1 + 9 * (now - back) / slow_start_);
  }
  if (next == standing_) {
    return;
  }
  standing_ = next;
  ++context_.changes;
  shares_.figures->healthy.store(next.healthy, std::memory_order_relaxed);
  shares_.figures->ejected.store(next.ejected, std::memory_order_relaxed);
  shares_.backend->desk->queue().call_all();
}

void ServerPool::drop(BackendConnection* connection) {
  if (connection->http2 != nullptr) {
    connection->http2->connection->release(*connection->http2);
  } else {
    BackendConnection::destroy(connection);
  }
}

void ServerPool::keep(BackendConnection* connection) {
  if (connection->http2 != nullptr) {
    drop(connection);
    return;
  }
  AuthenticatedConnections* const owner = connection->owner_;
  if ((owner == nullptr && (http2_ || idle_.size() >= max_idle_)) || !connection->may_idle() ||
      !current(*connection)) {
    BackendConnection::destroy(connection);
    return;
  }
  connection->begin_to_idle(context_.streams.now());
  if (owner != nullptr) {
    owner->keep(shared_from_this(), connection);
  } else {
    idle_.push_back(connection);
    count_links();
  }
  if (!connection->reading_) {
    connection->begin_read();
  }
}

bool ServerPool::expired(const BackendConnection& connection, SteadyTime now) const {
  const Millis most = connection.owner_ != nullptr ? connection.most_idle
                                                   : std::min(idle_timeout_, connection.most_idle);
  // In milliseconds: the longest time is no number of nanoseconds.
  return std::chrono::duration_cast<Millis>(now - connection.idle_since) >= most;
}

void ServerPool::discard_idle(BackendConnection* connection) {
  context_.metrics.add(Counter::BackendStale);
  idle_.erase(std::find(idle_.begin(), idle_.end(), connection));
  count_links();
  BackendConnection::destroy(connection);
}

void ServerPool::discard_owned(BackendConnection* connection) {
  context_.metrics.add(Counter::BackendStale);
  connection->owner_->discard(connection);
}

void ServerPool::sweep(SteadyTime now) {
  if (tls_.wanted()) {
    close_distrusted();
  }
  refresh(now);
  std::erase_if(idle_, [this, now](BackendConnection* connection) {
    const bool over = expired(*connection, now);
    if (over) {
      BackendConnection::destroy(connection);
    }
    return over;
  });
  if (shared_) {
    shared_->sweep(now);
  }
  count_links();
}

std::size_t ServerPool::idle() const {
  return idle_.size() + (shared_ ? shared_->idle() : 0);
}

void ServerPool::close_idle() {
  if (shared_) {
    shared_->retire_all();
  }
  for (BackendConnection* connection : idle_) {
    BackendConnection::destroy(connection);
  }
  idle_.clear();
  count_links();
}

}  // namespace keepsake
