#pragma once
// The whole proxy: its listening sockets, its workers and their threads, the resolver. main.cpp
// makes one; so do the tests, with a clock of their own and port 0. Not for use from a worker's
// thread.

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "backend/resolver.hpp"
#include "base/clock.hpp"
#include "routing/snapshot.hpp"
#include "server/administer_sessions.hpp"
#include "server/worker.hpp"

namespace keepsake {

class HealthChecker;

class Server {
 public:
  struct Options {
    Worker::Options worker{};
    unsigned workers = 0;  // 0: what the configuration says
    Resolver::Options resolver{};
    InheritedSockets* inherited = nullptr;  // outlives the server
  };

  Server(Config config, const Clock& clock, Options options);
  Server(Config config, const Clock& clock);
  ~Server();

  // Binds every listener and starts the threads. On failure nothing runs and `error` says which
  // address and why.
  bool start(std::string& error);

  // The ports of the TCP listeners in configuration order (0 for unix).
  const std::vector<std::uint16_t>& ports() const { return ports_; }

  // The addresses that listener `i` is bound to: more than one if it has a name.
  std::vector<std::string> bound_hosts(std::size_t i) const;

  // New exchanges use `config` from now on. Listeners that stay keep their sockets, new ones begin,
  // others end; connections live on. False, with nothing changed and the reason in `error`, if an
  // address cannot be had.
  bool reload(Config config, std::string& error);
  // Reads certificates again whose files have changed. From the control thread; blocks on the disk.
  void refresh_certificates() { keepsake::refresh_certificates(snapshot_->certificates); }

  // From now on `health` routes say that this process is not ready.
  void announce_end() { shared_.leaving.store(true, std::memory_order_relaxed); }
  // Stops accepting, lets exchanges finish. Returns at once.
  void drain();
  // The same when another process has the sockets and accepts from them: nothing is closed that
  // somebody waits in, and idle connections may wait for their next request up to `patience`.
  void hand_over(Millis patience);
  // Where the lines of the access log go from now on; empty: to standard output.
  void log_access_to(const std::shared_ptr<const LogFile>& file);
  // Every listening socket, for the process that takes over.
  std::vector<SharedSocket> listening_sockets() const;
  // Ends every connection. Returns at once.
  void cut();
  // Waits until every worker is done, at most `timeout`; true if they are.
  bool wait(Millis timeout);
  bool draining() const { return draining_; }

  // Asks every worker for a sign of life, and tells whether all have answered the last question. A
  // worker that has ended owes no answer.
  void ping();
  bool answered() const;

  std::uint64_t count(Counter counter) const;
  // What happened on HTTP/2 connections.
  Http2Figures http2() const;
  Http2BackendFigures http2_to_backends() const;
  // How many valid cookies came that this key had sealed.
  std::uint64_t opened_by(const KeyId& key) const;
  TrafficFigures traffic() const;
  // Lines of the access log that a worker gave away and nobody could write.
  std::uint64_t log_lines_lost() const { return shared_.log_writer.lost(); }
  // For operators; see administer_sessions.hpp. `done` is called on another thread, and never if
  // the workers have ended. Only after start().
  void list_sessions(SessionsWanted wanted, std::function<void(StoreListing)> done) const;
  void end_sessions(std::string value, std::function<void(StoreEnded)> done) const;
  void end_session(const StoreKey& key, std::function<void(StoreResult)> done) const;
  std::size_t workers() const { return workers_.size(); }
  std::size_t connections() const { return shared_.connections.load(); }
  // Whether some worker cannot use the store of the sessions. From any thread.
  const StoreHealth& store_health() const { return shared_.store_health; }
  bool store_degraded() const { return shared_.store_health.degraded(clock_.steady()); }
  std::shared_ptr<const Snapshot> snapshot() const { return snapshot_; }
  // What the workers count of each backend's servers. From any thread.
  const BackendBook& backend_book() const { return shared_.backends; }

 private:
  void watch(const Config& config);
  void post_to_workers(const std::function<void(Worker&)>& job);
  void post_to_worker(std::size_t i, std::function<void(Worker&)> job);
  // What worker `i` of `count` listens on.
  std::vector<ListenSpot> spots_of(std::size_t i, std::size_t count) const;
  void take(std::vector<ListeningAddress> listening);
  std::vector<std::uint16_t> our_ports();
  std::shared_ptr<const Snapshot> make_snapshot(Config config, std::string& error) const;

  const Clock& clock_;
  Options options_;
  std::shared_ptr<TlsTicketKeys> tickets_;
  std::string certificate_error_;  // of the first configuration
  std::shared_ptr<const Snapshot> snapshot_;
  SharedCounts shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> running_{0};
  std::uint64_t question_ = 0;
  std::unique_ptr<std::atomic<std::uint64_t>[]> answers_;  // of each worker: the last one
  InheritedSockets nothing_inherited_;
  std::vector<ListeningAddress> listening_;                     // as Config::listen
  std::vector<std::weak_ptr<const ListeningSocket>> retiring_;  // workers still empty them
  std::vector<std::uint16_t> ports_;
  std::unique_ptr<HealthChecker> health_checker_;
  std::unique_ptr<Resolver> resolver_;
  bool draining_ = false;
};

}  // namespace keepsake
