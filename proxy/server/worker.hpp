#pragma once
// One thread's share of the proxy: an io_context, its client connections, its links to the
// backends, its ciphers, its log buffer. Nothing in it is touched by another thread except through
// post() and the relaxed counters of metrics().

#include <poll.h>

#include <array>
#include <atomic>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend_pools.hpp"
#include "base/buffer.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/line_limit.hpp"
#include "base/log_writer.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "http2/counts.hpp"
#include "http2/memory.hpp"
#include "server/client_counts.hpp"
#include "server/connection.hpp"
#include "server/exchange.hpp"
#include "server/listening_sockets.hpp"
#include "server/log_access.hpp"
#include "server/seldom_lines.hpp"
#include "server/snapshot.hpp"
#include "server/traffic.hpp"
#include "session/codec.hpp"
#include "session/key_use.hpp"
#include "session/return_cookie.hpp"
#include "store/store_health.hpp"
#include "store/store_names.hpp"

namespace keepsake {

class MemoryStore;
class RedisServers;
class SessionStore;

// A snapshot as one worker uses it: with the worker's own ciphers and pools.
struct View {
  std::shared_ptr<const Snapshot> snapshot;
  std::unique_ptr<Codec> codec;
  std::unique_ptr<ReturnCookie> return_cookie;  // null where no route has `else`
  std::vector<KeyUse::Cell*> keys;              // the counts of the codec's keys, in their order
  std::vector<std::unique_ptr<Balancer>> backends;  // by index of Config::backends
  std::shared_ptr<SessionStore> store;              // null with store: cookie
  Traffic::Cells cells;                             // of the worker's traffic()

  const Config& config() const { return snapshot->config; }
};

// Lines of the log that requests and connections can cause, by kind.
struct LineLimits {
  std::array<LineLimit, static_cast<std::size_t>(Fault::Count)> fault;
  LineLimit connect;        // a server cannot be reached
  LineLimit spoof;          // a client sent headers that pose as ours
  LineLimit session_write;  // a backend asked for a change that was refused
  LineLimit closed;         // a connection was closed before its first request
  LineLimit accept;         // no descriptors, no memory
  LineLimit given_up;       // an exception
};

// What all workers share; touched when a connection opens or closes, or by a store, never else per
// exchange.
struct SharedCounts {
  unsigned workers = 1;  // set before they start
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> refusing{0};    // connections that are being told to come back later
  std::atomic<std::size_t> handshakes{0};  // TLS handshakes with clients in progress
  ClientCounts per_client;
  std::shared_ptr<MemoryStore> memory;  // set before the workers start, or posted to them
  StoreHealth store_health;
  StoreNames store_names;
  std::atomic<bool> leaving{false};  // the process ends soon: /healthz says so
  BackendBook backends;
  LogWriter log_writer;  // of the access log
  LineLimits lines;
  SeldomLines seldom;
};

// A listening socket, and whose options it has: an index into Config::listen.
struct ListenSpot {
  SharedSocket socket;
  std::size_t index = 0;
};

class Worker {
 public:
  struct Options {
    Millis sweep{500};                 // between two looks at deadlines
    unsigned alone = IoRound::kAlone;  // reads and writes by themselves after a small round
    int access_log_fd = 1;
  };

  Worker(const Clock& clock, SharedCounts& shared, Options options);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  asio::io_context& io() { return io_; }
  const Clock& clock() const { return clock_; }
  StreamList& streams() { return streams_; }
  Metrics& metrics() { return metrics_; }
  Traffic& traffic() { return traffic_; }
  Random& random() { return random_; }
  BufferPool& buffers() { return buffers_; }
  Http2Memory& http2_memory() { return http2_memory_; }
  Http2Counts& http2_counts() { return http2_counts_; }
  const Http2Counts& http2_counts() const { return http2_counts_; }
  AccessLog& access_log() { return access_log_; }
  const KeyUse& key_use() const { return key_use_; }
  const std::shared_ptr<const View>& view() const { return view_; }
  // What is in use, or about to be: another worker may have begun to use it.
  const View& newest_view() const { return next_ ? *next_ : *view_; }
  bool draining() const { return draining_; }
  // Until when a connection without a request may wait for one; only while draining.
  SteadyTime idle_until() const { return idle_until_; }

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

  // --- From its own connections:
  std::unique_ptr<Workspace> take_workspace();
  void give_workspace(std::unique_ptr<Workspace> workspace);
  void add(Connection& connection);
  void remove(Connection& connection);
  // A parked connection has idled for a while; the sweep does not look at it.
  void unpark(Connection& connection);
  // What the configuration says of the listener with that socket; null if it has gone.
  const Front* front_at(const std::weak_ptr<const ListeningSocket>& socket) const;
  // Whether limits.connections_per_client allows one more from there; counts it if so.
  bool admit_client(Peer& peer);
  SharedCounts& shared() { return shared_; }
  // Exchanges with a session in a store; see hold_session.
  Exchange*& held() { return held_; }
  // "Date: ...\r\n" of this second.
  const std::string& date_line();

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
  void park(Connection& connection);
  template <class Visit>
  void for_each_connection(Visit visit);
  std::shared_ptr<SessionStore> store_for(const Snapshot& snapshot);
  std::shared_ptr<RedisServers> redis_for(const Snapshot& snapshot);

  const Clock& clock_;
  SharedCounts& shared_;
  Options options_;
  Metrics metrics_;
  Traffic traffic_;
  Random random_;
  StreamList streams_;
  BufferPool buffers_;
  Spares<std::unique_ptr<Workspace>> workspaces_;
  Http2Memory http2_memory_;
  Http2Counts http2_counts_;
  asio::io_context io_{1};
  asio::steady_timer sweep_timer_;
  AccessLog access_log_;
  KeyUse key_use_;
  BackendPools pools_;
  std::shared_ptr<const View> view_;
  std::shared_ptr<const View> next_;                        // prepared, not yet in use
  std::weak_ptr<RedisServers> redis_;                       // of the configuration in use
  std::vector<std::weak_ptr<RedisServers>> redis_servers_;  // those of former ones too
  std::vector<std::shared_ptr<Listener>> listeners_;
  Connection* connections_ = nullptr;
  Connection* parked_ = nullptr;
  Exchange* held_ = nullptr;
  std::vector<pollfd> polls_;  // scratch of the sweep
  std::vector<Connection*> waiting_;
  std::size_t freed_ = 0;  // large pieces of memory, since it was last given back to the system
  bool draining_ = false;
  SteadyTime idle_until_{};
  bool stopping_ = false;  // nothing left to serve: the sweep ends too
  std::int64_t date_second_ = -1;
  std::string date_line_;
};

}  // namespace keepsake
