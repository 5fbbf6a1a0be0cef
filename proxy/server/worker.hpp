#pragma once
// One thread's share of the proxy: an io_context, its client connections, its links to the
// backends, its ciphers, its log buffer. Nothing in it is touched by another thread except through
// post() and the relaxed counters of metrics().

#include <poll.h>

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
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "server/client_counts.hpp"
#include "server/connection.hpp"
#include "server/exchange.hpp"
#include "server/log_access.hpp"
#include "server/snapshot.hpp"
#include "session/codec.hpp"
#include "session/key_use.hpp"
#include "store/memory_store.hpp"
#include "store/redis_connection.hpp"

namespace keepsake {

// A snapshot as one worker uses it: with the worker's own ciphers and pools.
struct View {
  std::shared_ptr<const Snapshot> snapshot;
  std::unique_ptr<Codec> codec;
  std::vector<KeyUse::Cell*> keys;  // the counts of the codec's keys, in their order
  std::vector<std::unique_ptr<Balancer>> backends;  // by index of Config::backends
  std::shared_ptr<SessionStore> store;              // null with store: cookie

  const Config& config() const { return snapshot->config; }
};

// What all workers share; touched when a connection opens or closes, or by a store, never else per
// exchange.
struct SharedCounts {
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> refusing{0};  // connections that are being told to come back later
  ClientCounts per_client;
  std::shared_ptr<MemoryStore> memory;  // set before the workers start, or posted to them
  StoreHealth store_health;
  BackendBook backends;
};

class Worker {
 public:
  struct Options {
    Millis sweep{500};  // between two looks at deadlines
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
  Random& random() { return random_; }
  AccessLog& access_log() { return access_log_; }
  const KeyUse& key_use() const { return key_use_; }
  const std::shared_ptr<const View>& view() const { return view_; }
  // What is in use, or about to be: another worker may have begun to use it.
  const View& newest_view() const { return next_ ? *next_ : *view_; }
  bool draining() const { return draining_; }

  // --- From the server's thread, before run() or posted to io():
  // A reload in two steps, so that no worker seals with a key that another cannot open yet: every
  // worker prepares, then every worker uses what it has prepared (unless it is out of date).
  void prepare(std::shared_ptr<const Snapshot> snapshot);
  void use_prepared(const Snapshot& snapshot);
  // Accepts from `fd` (listening, non-blocking) until stop_accepting(). The worker owns it.
  void accept_from(int fd, const ListenConfig& config);
  void stop_accepting();
  void set_endpoints(const std::string& url, const std::vector<Endpoint>& endpoints);
  // What the health checks found.
  void set_healthy(const std::string& backend, const std::string& url, bool healthy);
  // No new exchanges; connections close as soon as their exchange is done.
  void drain();
  // Every connection ends now.
  void cut();

  // Runs until there is nothing left to do: after drain() or cut() and the last connection.
  void run();

  // --- From its own connections:
  std::unique_ptr<Workspace> take_workspace();
  void give_workspace(std::unique_ptr<Workspace> workspace);
  void add(Connection& connection);
  void remove(Connection& connection);
  // A parked connection waits without a workspace; the sweep does not look at it.
  void park(Connection& connection);
  void unpark(Connection& connection);
  SharedCounts& shared() { return shared_; }
  // "Date: ...\r\n" of this second.
  const std::string& date_line();

 private:
  struct Listener;
  Task<void> accept_connections(Listener& listener);
  // Whether the limits allow one more connection from there; counts it if so.
  bool admit(Peer& peer);
  Task<void> sweep_regularly();
  void sweep();
  void look_after_waiting_clients();
  template <class Visit>
  void for_each_connection(Visit visit);
  std::shared_ptr<SessionStore> store_for(const Snapshot& snapshot);
  std::shared_ptr<RedisConnection> redis_for(const RedisConfig& config);

  const Clock& clock_;
  SharedCounts& shared_;
  Options options_;
  Metrics metrics_;
  Random random_;
  StreamList streams_;
  BufferPool buffers_;
  asio::io_context io_{1};
  asio::steady_timer sweep_timer_;
  AccessLog access_log_;
  KeyUse key_use_;
  BackendPools pools_;
  std::shared_ptr<const View> view_;
  std::shared_ptr<const View> next_;      // prepared, not yet in use
  std::weak_ptr<RedisConnection> redis_;  // of the configuration in use
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Workspace>> workspaces_;
  Connection* connections_ = nullptr;
  Connection* parked_ = nullptr;
  std::vector<pollfd> polls_;  // scratch of the sweep
  std::vector<Connection*> waiting_;
  bool trim_next_ = false;
  bool draining_ = false;
  bool stopping_ = false;  // nothing left to serve: the sweep ends too
  std::int64_t date_second_ = -1;
  std::string date_line_;
};

}  // namespace keepsake
