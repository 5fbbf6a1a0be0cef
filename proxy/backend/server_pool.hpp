#pragma once
// One worker's links to one backend server: the idle ones, the making of new ones, how many
// requests are in flight, and whether the server is worth trying. Used by forward_request and
// relay_upgrade through a Lease. Not shared between threads.

#include <memory>
#include <string>
#include <vector>

#include "backend/backend_connection.hpp"
#include "backend/own_addresses.hpp"
#include "backend/server_addresses.hpp"
#include "backend/server_figures.hpp"
#include "backend/server_load.hpp"
#include "backend/server_tls.hpp"
#include "base/buffer.hpp"
#include "base/metrics.hpp"
#include "config/config.hpp"
#include "http/head.hpp"
#include "io/task.hpp"

namespace keepsake {

class Http2Memory;
class SharedConnections;
struct Http2BackendCounts;

// What a worker lends to its pools; outlives them.
struct PoolContext {
  asio::io_context& io;
  StreamList& streams;
  BufferPool& buffers;
  Metrics& metrics;
  std::uint64_t& changes;             // grows when some server's Standing changes: see Balancer
  const OwnAddresses* own = nullptr;  // no connection is made to one of these
  // For backends with http2.
  Http2Memory* http2_memory = nullptr;
  Http2BackendCounts* http2_counts = nullptr;
  const HeadLimits* response_limits = nullptr;
};

// What a pool shares with others: see BackendBook.
struct PoolShares {
  std::shared_ptr<ServerFigures> figures;  // of this worker and server
  std::shared_ptr<ServerLoad> server;      // of all workers
  std::shared_ptr<BackendLoad> backend;    // of this worker and all servers of the backend
};

// The right to have one request more in flight at a server.
class Slot {
 public:
  Slot() = default;
  Slot(Slot&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), counted_(other.counted_) {}
  Slot& operator=(Slot&& other) noexcept;
  ~Slot() { release(); }

  explicit operator bool() const { return pool_ != nullptr; }
  ServerPool& pool() const { return *pool_; }
  void release();

 private:
  friend class ServerPool;
  Slot(ServerPool& pool, bool counted) : pool_(&pool), counted_(counted) {}
  ServerPool* pool_ = nullptr;
  bool counted_ = false;  // by all workers
};

// A link on loan. Destroying the lease closes the link; only give_back() keeps it, and only after
// the whole response was read and nothing stays unread. Either releases the slot it holds.
class Lease {
 public:
  Lease() = default;
  Lease(ServerPool& pool, BackendConnection* connection) : pool_(&pool), connection_(connection) {}
  Lease(Lease&& other) noexcept
      : pool_(other.pool_),
        connection_(std::exchange(other.connection_, nullptr)),
        slot_(std::move(other.slot_)) {}
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { close(); }

  explicit operator bool() const { return connection_ != nullptr; }
  BackendConnection* operator->() const { return connection_; }
  BackendConnection& operator*() const { return *connection_; }
  ServerPool& pool() const { return *pool_; }

  void hold(Slot slot) { slot_ = std::move(slot); }
  void give_back();
  void close();
  // From now on the link is the caller's.
  BackendConnection* take() { return std::exchange(connection_, nullptr); }

 private:
  ServerPool* pool_ = nullptr;
  BackendConnection* connection_ = nullptr;
  Slot slot_;
};

// Whether and how much a server is worth trying.
struct Standing {
  bool healthy = true;       // nothing else is known of it
  bool ejected = false;      // too many connects failed in a row
  std::uint8_t tenths = 10;  // of its share: fewer while it starts slowly
  bool operator==(const Standing&) const = default;
};

class ServerPool : public std::enable_shared_from_this<ServerPool> {
 public:
  ServerPool(PoolContext context, const BackendConfig& backend, const ServerConfig& server,
             PoolShares shares);
  ~ServerPool();
  ServerPool(const ServerPool&) = delete;
  ServerPool& operator=(const ServerPool&) = delete;

  const std::string& backend() const { return backend_; }
  const std::string& url() const { return url_; }
  const ServerConfig& server() const { return server_; }

  // Addresses to connect to, from the resolver; an empty answer keeps the last good one. Idle links
  // to others are closed; those in use, when they come back.
  void set_endpoints(std::vector<Endpoint> endpoints);

  // An idle link, the one used last first, or a place on an HTTP/2 connection; empty if there is
  // none. `check` asks the kernel whether
  // the link is still good: for requests that must not be sent twice.
  Lease take_idle(bool check);

  struct Connected {
    Lease lease;
    error_code error;
    std::string tls_failure;    // why the handshake failed; empty if it was not that
    std::string http2_failure;  // why the server does not speak HTTP/2; empty if it was not that
    bool itself = false;      // the only addresses are those of our own listeners
  };
  // A new link. Of several addresses each gets a short while at first, so that one that is silent
  // costs little; then those that were silent get `timeout`, until two have let it pass. A
  // handshake has `timeout` in all. `in_use` is what to interrupt meanwhile, null afterwards. Over
  // HTTP/2 a place, as soon as there is one.
  Task<Connected> connect(Millis timeout, BackendConnection*& in_use);

  // Takes over what `backend` says now; for a pool that a reload keeps.
  void apply(const BackendConfig& backend);
  // For an https:// server: whom to believe. Links that were made otherwise are closed.
  void use_tls(const BackendConfig& backend, std::shared_ptr<const TlsBackend> tls);

  // One request more, or none because max_requests are in flight.
  Slot enter();

  const Standing& standing() const { return standing_; }
  // From the active health checks.
  void set_healthy(bool healthy, SteadyTime now);
  // Passive health: counts a connect failure; true if there were ejection.failures in a row. A
  // single success forgets them. eject() leaves the server out for ejection.for.
  bool count_failure() { return ++failures_ >= ejection_failures_; }
  void count_success();
  void eject(SteadyTime now);

  const ServerFigures& figures() const { return *shares_.figures; }
  std::size_t in_flight() const { return in_flight_; }
  std::size_t idle() const;

  // Closes links that have idled too long, brings the standing up to date; called by the worker's
  // sweep.
  void sweep(SteadyTime now);
  void close_idle();

 private:
  friend class Lease;
  friend class Slot;
  friend class BackendConnection;
  friend class AuthenticatedConnections;
  friend class SharedConnections;
  // A connection of its own; see connect().
  Task<Connected> connect_alone(Millis timeout, BackendConnection*& in_use);
  // A connection that idled, for one more request; empty, and the connection is closed, if it is of
  // no use any more.
  Lease wake(BackendConnection* connection, bool check);
  // One try at one address: connected within `patience`, secured within `timeout`. What came of it
  // is in `result`.
  Task<void> try_address(const Endpoint& endpoint, Millis patience, Millis timeout,
                         BackendConnection*& in_use, Connected& result);
  void keep(BackendConnection* connection);
  void drop(BackendConnection* connection);
  void discard_idle(BackendConnection* connection);
  void discard_owned(BackendConnection* connection);
  // Whether it has idled for as long as it may; what a client authenticated on may for as long as
  // the server lets it.
  bool expired(const BackendConnection& connection, SteadyTime now) const;
  // Whether the server still has the address that the link goes to, and is believed as before.
  bool current(BackendConnection& connection);
  void close_distrusted();
  void leave(bool counted);
  void refresh(SteadyTime now);
  void count_links() {
    ServerFigures::set(shares_.figures->idle, shared_ ? idle() : idle_.size());
  }

  PoolContext context_;
  PoolShares shares_;
  std::string backend_;  // its name
  std::string url_;
  ServerConfig server_;
  std::size_t max_idle_ = 0;
  Millis idle_timeout_{};
  unsigned ejection_failures_ = 0;
  Millis ejection_time_{};
  Millis slow_start_{};
  std::size_t max_requests_ = 0;
  bool http2_ = false;
  std::unique_ptr<SharedConnections> shared_;  // null until http2 was asked for
  ServerTls tls_;
  unsigned idle_epoch_ = 0;  // of tls_ when the idle links were last looked at
  ServerAddresses addresses_;
  std::uint32_t generation_ = 0;  // of the addresses
  std::vector<BackendConnection*> idle_;
  std::size_t in_flight_ = 0;
  unsigned failures_ = 0;
  bool healthy_ = true;
  // When it last came back from having been found ill, or left out; long ago if never.
  SteadyTime well_since_ = SteadyTime::min();
  SteadyTime ejected_until_ = SteadyTime::min();
  Standing standing_;
};

}  // namespace keepsake
