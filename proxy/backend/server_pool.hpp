#pragma once
// One worker's links to one backend server: the idle ones, the making of new ones, and whether the
// server is worth trying. Used by forward_request and relay_upgrade through a Lease. Not shared
// between threads.

#include <memory>
#include <string>
#include <vector>

#include "backend/backend_connection.hpp"
#include "backend/server_figures.hpp"
#include "base/buffer.hpp"
#include "base/metrics.hpp"
#include "base/task.hpp"
#include "config/config.hpp"

namespace keepsake {

// What a worker lends to its pools; outlives them.
struct PoolContext {
  asio::io_context& io;
  StreamList& streams;
  BufferPool& buffers;
  Metrics& metrics;
};

// A link on loan. Destroying the lease closes the link; only give_back() keeps it, and only after
// the whole response was read and nothing stays unread.
class Lease {
 public:
  Lease() = default;
  Lease(ServerPool& pool, BackendConnection* connection) : pool_(&pool), connection_(connection) {}
  Lease(Lease&& other) noexcept
      : pool_(other.pool_), connection_(std::exchange(other.connection_, nullptr)) {}
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { close(); }

  explicit operator bool() const { return connection_ != nullptr; }
  BackendConnection* operator->() const { return connection_; }
  BackendConnection& operator*() const { return *connection_; }
  ServerPool& pool() const { return *pool_; }

  void give_back();
  void close();

 private:
  ServerPool* pool_ = nullptr;
  BackendConnection* connection_ = nullptr;
};

class ServerPool {
 public:
  ServerPool(PoolContext context, const BackendConfig& backend, const ServerConfig& server,
             std::shared_ptr<ServerFigures> figures);
  ~ServerPool();
  ServerPool(const ServerPool&) = delete;
  ServerPool& operator=(const ServerPool&) = delete;

  const std::string& url() const { return url_; }
  const ServerConfig& server() const { return server_; }

  // Addresses to connect to, from the resolver; an empty answer keeps the last good one.
  void set_endpoints(std::vector<Endpoint> endpoints);

  // An idle link, the one used last first; empty if there is none. `check` asks the kernel whether
  // the link is still good: for requests that must not be sent twice.
  Lease take_idle(bool check);

  struct Connected {
    Lease lease;
    error_code error;
  };
  // A new link; tries every address of the server within `timeout` each. `in_use` is what to
  // interrupt meanwhile, null afterwards.
  Task<Connected> connect(Millis timeout, Stream*& in_use);

  // Passive health: after ejection.failures connect failures in a row the server is left out for
  // ejection.for. A single success forgets them.
  bool ejected(SteadyTime now) const { return now < ejected_until_; }
  void count_failure(SteadyTime now);
  void count_success() { failures_ = 0; }

  const ServerFigures& figures() const { return *figures_; }

  std::size_t in_flight() const { return in_flight_; }
  std::size_t idle() const { return idle_.size(); }

  // Closes links that have idled too long; called by the worker's sweep.
  void sweep(SteadyTime now);
  void close_idle();

 private:
  friend class Lease;
  friend class BackendConnection;
  void keep(BackendConnection* connection);
  void drop(BackendConnection* connection);
  void discard_idle(BackendConnection* connection);
  void count_links();

  PoolContext context_;
  std::shared_ptr<ServerFigures> figures_;
  std::string url_;
  ServerConfig server_;
  std::size_t max_idle_;
  Millis idle_timeout_;
  unsigned ejection_failures_;
  Millis ejection_time_;
  std::vector<Endpoint> endpoints_;
  std::size_t next_endpoint_ = 0;
  std::vector<BackendConnection*> idle_;
  std::size_t in_flight_ = 0;
  unsigned failures_ = 0;
  SteadyTime ejected_until_{};
};

// The addresses that need no name service: IP literals and unix sockets. Empty for names.
std::vector<Endpoint> literal_endpoints(const SocketAddress& address);

}  // namespace keepsake
