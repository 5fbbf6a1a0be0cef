#include "backend/server_pool.hpp"

#include <sys/socket.h>

#include <algorithm>

namespace keepsake {

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    close();
    pool_ = other.pool_;
    connection_ = std::exchange(other.connection_, nullptr);
    slot_ = std::move(other.slot_);
  }
  return *this;
}

void Lease::give_back() {
  if (BackendConnection* connection = std::exchange(connection_, nullptr)) {
    pool_->keep(connection);
  }
  slot_.release();
}

void Lease::close() {
  if (BackendConnection* connection = std::exchange(connection_, nullptr)) {
    pool_->drop(connection);
  }
  slot_.release();
}

Slot& Slot::operator=(Slot&& other) noexcept {
  if (this != &other) {
    release();
    pool_ = std::exchange(other.pool_, nullptr);
    counted_ = other.counted_;
  }
  return *this;
}

void Slot::release() {
  if (ServerPool* pool = std::exchange(pool_, nullptr)) {
    pool->leave(counted_);
  }
}

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

Lease ServerPool::take_idle(bool check) {
  while (!idle_.empty()) {
    BackendConnection* connection = idle_.back();
    idle_.pop_back();
    count_links();
    connection->idle_ = false;
    if (check ? connection->is_stale() : connection->is_known_stale()) {
      context_.metrics.add(Counter::BackendStale);
      BackendConnection::destroy(connection);
      continue;
    }
    connection->ready_buffer();
    connection->reused = true;
    context_.metrics.add(Counter::BackendReused);
    return Lease{*this, connection};
  }
  return {};
}

Task<ServerPool::Connected> ServerPool::connect(Millis timeout, Stream*& in_use) {
  Connected result;
  result.error = asio::error::host_not_found;
  unsigned timeouts = 0;
  // A copy: the resolver may replace the addresses while we wait.
  const std::vector<Endpoint> order = addresses_.order(context_.streams.now());
  for (const Endpoint& endpoint : order) {
    auto connection =
        std::make_unique<BackendConnection>(*this, context_.io, context_.streams, context_.buffers);
    connection->endpoint = endpoint;
    connection->generation = generation_;
    context_.metrics.add(Counter::BackendConnects);
    ServerFigures::add(shares_.figures->connects);
    Lease lease{*this, connection.release()};
    in_use = &lease->stream;
    const SteadyTime deadline = lease->stream.in(timeout);
    result.error = co_await lease->stream.connect(endpoint, deadline);
    if (!result.error && endpoint.protocol().family() != AF_UNIX) {
      tune_tcp(lease->stream.fd());
    }
    result.tls_failure.clear();
    if (!result.error && tls_.wanted()) {
      lease->tls_epoch = tls_.epoch();
      result.error =
          co_await tls_.secure(lease->stream, deadline, &context_.metrics, result.tls_failure);
    }
    in_use = nullptr;
    if (lease->stream.interrupted()) {
      break;
    }
    if (!result.error) {
      addresses_.worked(endpoint);
      result.lease = std::move(lease);
      break;
    }
    context_.metrics.add(Counter::BackendConnectFailures);
    ServerFigures::add(shares_.figures->connect_failures);
    addresses_.failed(endpoint, context_.streams.now() + ejection_time_);
    if (result.error == asio::error::timed_out && ++timeouts == 2) {
      break;
    }
  }
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

void ServerPool::keep(BackendConnection* connection) {
  if (idle_.size() >= max_idle_ || !connection->in.empty() || connection->has_result_ ||
      connection->stream.interrupted() || !current(*connection)) {
    BackendConnection::destroy(connection);
    return;
  }
  connection->in.release();
  connection->idle_ = true;
  connection->idle_since = context_.streams.now();
  idle_.push_back(connection);
  count_links();
  if (!connection->reading_) {
    connection->begin_read();
  }
}

void ServerPool::discard_idle(BackendConnection* connection) {
  context_.metrics.add(Counter::BackendStale);
  idle_.erase(std::find(idle_.begin(), idle_.end(), connection));
  count_links();
  BackendConnection::destroy(connection);
}

void ServerPool::sweep(SteadyTime now) {
  if (tls_.wanted()) {
    close_distrusted();
  }
  refresh(now);
  // Oldest first: the vector is used as a stack.
  std::size_t expired = 0;
  while (expired < idle_.size() && idle_[expired]->idle_since + idle_timeout_ <= now) {
    BackendConnection::destroy(idle_[expired]);
    ++expired;
  }
  idle_.erase(idle_.begin(), idle_.begin() + static_cast<std::ptrdiff_t>(expired));
  count_links();
}

void ServerPool::close_idle() {
  for (BackendConnection* connection : idle_) {
    BackendConnection::destroy(connection);
  }
  idle_.clear();
  count_links();
}

}  // namespace keepsake
