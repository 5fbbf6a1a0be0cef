#include "backend/server_pool.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace keepsake {

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    close();
    pool_ = other.pool_;
    connection_ = std::exchange(other.connection_, nullptr);
  }
  return *this;
}

void Lease::give_back() {
  if (BackendConnection* connection = std::exchange(connection_, nullptr)) {
    pool_->keep(connection);
  }
}

void Lease::close() {
  if (BackendConnection* connection = std::exchange(connection_, nullptr)) {
    pool_->drop(connection);
  }
}

std::vector<Endpoint> literal_endpoints(const SocketAddress& address) {
  if (address.kind == SocketAddress::Kind::Unix) {
    return {Endpoint{asio::local::stream_protocol::endpoint{address.path}}};
  }
  error_code error;
  const auto ip = asio::ip::make_address(address.host, error);
  if (error) {
    return {};
  }
  return {Endpoint{asio::ip::tcp::endpoint{ip, address.port}}};
}

ServerPool::ServerPool(PoolContext context, const BackendConfig& backend,
                       const ServerConfig& server, std::shared_ptr<ServerFigures> figures)
    : context_(context),
      figures_(std::move(figures)),
      url_(server.url),
      server_(server),
      max_idle_(backend.keepalive_idle),
      idle_timeout_(backend.keepalive_idle_timeout),
      ejection_failures_(backend.ejection_failures),
      ejection_time_(backend.ejection_time),
      endpoints_(literal_endpoints(server.address)) {
  idle_.reserve(max_idle_);
}

ServerPool::~ServerPool() {
  close_idle();
}

void ServerPool::set_endpoints(std::vector<Endpoint> endpoints) {
  if (!endpoints.empty()) {
    endpoints_ = std::move(endpoints);
  }
}

Lease ServerPool::take_idle(bool check) {
  while (!idle_.empty()) {
    BackendConnection* connection = idle_.back();
    idle_.pop_back();
    connection->idle_ = false;
    if (check && connection->is_stale()) {
      context_.metrics.add(Counter::BackendStale);
      BackendConnection::destroy(connection);
      continue;
    }
    connection->reused = true;
    ++in_flight_;
    ServerFigures::add(figures_->requests);
    count_links();
    context_.metrics.add(Counter::BackendReused);
    return Lease{*this, connection};
  }
  return {};
}

Task<ServerPool::Connected> ServerPool::connect(Millis timeout, Stream*& in_use) {
  Connected result;
  result.error = asio::error::host_not_found;
  const std::size_t count = endpoints_.size();
  for (std::size_t i = 0; i < count && i < endpoints_.size(); ++i) {
    // Copied: the resolver may replace the list while we wait.
    const Endpoint endpoint = endpoints_[(next_endpoint_ + i) % endpoints_.size()];
    auto connection =
        std::make_unique<BackendConnection>(*this, context_.io, context_.streams, context_.buffers);
    context_.metrics.add(Counter::BackendConnects);
    ServerFigures::add(figures_->connects);
    ++in_flight_;
    count_links();
    Lease lease{*this, connection.release()};
    in_use = &lease->stream;
    result.error = co_await lease->stream.connect(endpoint, lease->stream.in(timeout));
    in_use = nullptr;
    if (lease->stream.interrupted()) {
      break;
    }
    if (!result.error) {
      if (endpoint.protocol().family() != AF_UNIX) {
        const int on = 1;
        ::setsockopt(lease->stream.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      }
      ++next_endpoint_;
      ServerFigures::add(figures_->requests);
      result.lease = std::move(lease);
      break;
    }
    context_.metrics.add(Counter::BackendConnectFailures);
    ServerFigures::add(figures_->connect_failures);
  }
  co_return std::move(result);
}

void ServerPool::count_failure(SteadyTime now) {
  if (++failures_ >= ejection_failures_) {
    failures_ = 0;
    ejected_until_ = now + ejection_time_;
    ServerFigures::add(figures_->ejections);
    figures_->ejected.store(true, std::memory_order_relaxed);
  }
}

void ServerPool::count_links() {
  ServerFigures::set(figures_->in_flight, in_flight_);
  ServerFigures::set(figures_->idle, idle_.size());
}

void ServerPool::keep(BackendConnection* connection) {
  --in_flight_;
  if (idle_.size() >= max_idle_ || !connection->in.empty() || connection->has_result_ ||
      connection->stream.interrupted()) {
    BackendConnection::destroy(connection);
    count_links();
    return;
  }
  connection->idle_ = true;
  connection->idle_since = context_.streams.now();
  idle_.push_back(connection);
  count_links();
  if (!connection->reading_) {
    connection->begin_read();
  }
}

void ServerPool::drop(BackendConnection* connection) {
  --in_flight_;
  count_links();
  BackendConnection::destroy(connection);
}

void ServerPool::discard_idle(BackendConnection* connection) {
  context_.metrics.add(Counter::BackendStale);
  idle_.erase(std::find(idle_.begin(), idle_.end(), connection));
  count_links();
  BackendConnection::destroy(connection);
}

void ServerPool::sweep(SteadyTime now) {
  // Oldest first: the vector is used as a stack.
  std::size_t expired = 0;
  while (expired < idle_.size() && idle_[expired]->idle_since + idle_timeout_ <= now) {
    BackendConnection::destroy(idle_[expired]);
    ++expired;
  }
  idle_.erase(idle_.begin(), idle_.begin() + static_cast<std::ptrdiff_t>(expired));
  count_links();
  figures_->ejected.store(ejected(now), std::memory_order_relaxed);
}

void ServerPool::close_idle() {
  for (BackendConnection* connection : idle_) {
    BackendConnection::destroy(connection);
  }
  idle_.clear();
  count_links();
}

}  // namespace keepsake
