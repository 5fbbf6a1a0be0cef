#pragma once
// One thread's share of the proxy: an io_context, its client connections, its links to the
// backends, its ciphers, its log buffer. Nothing in it is touched by another thread except through
// post() and the relaxed counters of metrics().

#include <poll.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend_pools.hpp"
#include "client/connections.hpp"
#include "server/listening_sockets.hpp"

namespace keepsake {

class MemoryStore;
class RedisServers;
class SessionStore;

// A listening socket, and whose options it has: an index into Config::listen.
struct ListenSpot {
  SharedSocket socket;
  std::size_t index = 0;
};

class Worker final : public Connections {
 public:
  struct Options {
    Millis sweep{500};                 // between two looks at deadlines
    unsigned alone = IoRound::kAlone;  // reads and writes by themselves after a small round
    int access_log_fd = 1;
  };

  Worker(const Clock& clock, SharedCounts& shared, Options options);
  ~Worker() override;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  const Http2BackendCounts& http2_backend_counts() const { return pools_.http2_counts(); }

  // --- From the server's thread, before run() or posted to io():
  // A reload in two steps, so that no worker seals with a key that another cannot open yet: every
  // worker prepares, then every worker uses what it has prepared (unless it is out of date:
  // false).
  void prepare(std::shared_ptr<const Snapshot> snapshot);
  bool use_prepared(const Snapshot& snapshot);
  // Accepts from these sockets and no others. One that is new here begins, one that stays only
  // learns its new options, one that is gone ends once those who wait on it are taken.
  void listen_on(const std::vector<ListenSpot>& spots);
  void set_endpoints(const std::string& url, const std::vector<Endpoint>& endpoints);
  // What the health checks found.
  void set_healthy(const std::string& backend, const std::string& url, bool healthy);
  // The end begins: nobody new is accepted, every exchange is the last of its connection. A
  // connection that waits for a request may still bring one for `patience`. `handed_over`: another
  // process goes on accepting from the same sockets.
  void drain(Millis patience, bool handed_over);
  // Every connection ends now.
  void cut();

  // Runs until there is nothing left to do: after drain() or cut() and the last connection.
  void run();

  const Front* front_at(const std::weak_ptr<const ListeningSocket>& socket) const override;
  bool admit_client(Peer& peer) override;

 private:
  struct Listener;
  Task<void> accept_connections(std::shared_ptr<Listener> kept);
  void retire(const std::shared_ptr<Listener>& listener);
  // Whether the limits allow one more connection from there; counts it if so. `by_client`: its
  // address is the client's.
  bool admit(Peer& peer, bool by_client);
  Task<void> sweep_regularly();
  void sweep();
  // In a drain: ends the connections that serve no request.
  void end_unused_connections();
  // Interrupts everything that is left, and whatever begins afterwards.
  void end_everything();
  void look_after_waiting_clients();
  std::shared_ptr<SessionStore> store_for(const Snapshot& snapshot);
  std::shared_ptr<RedisServers> redis_for(const Snapshot& snapshot);

  Options options_;
  asio::steady_timer sweep_timer_;
  BackendPools pools_;
  std::weak_ptr<RedisServers> redis_;                       // of the configuration in use
  std::vector<std::weak_ptr<RedisServers>> redis_servers_;  // those of former ones too
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::vector<pollfd> polls_;  // scratch of the sweep
  std::vector<Connection*> waiting_;
  bool stopping_ = false;  // nothing left to serve: the sweep ends too
};

}  // namespace keepsake
