#pragma once
// The whole proxy: its listening sockets, its workers and their threads, the resolver. main.cpp
// makes one; so do the tests, with a clock of their own and port 0. Not for use from a worker's
// thread.

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "backend/resolver.hpp"
#include "base/clock.hpp"
#include "server/snapshot.hpp"
#include "server/worker.hpp"

namespace keepsake {

class HealthChecker;

class Server {
 public:
  struct Options {
    Worker::Options worker{};
    unsigned workers = 0;  // 0: what the configuration says
    Resolver::Options resolver{};
  };

  Server(Config config, const Clock& clock, Options options);
  Server(Config config, const Clock& clock);
  ~Server();

  // Binds every listener and starts the threads. On failure nothing runs and `error` says which
  // address and why.
  bool start(std::string& error);

  // The ports of the TCP listeners in configuration order (0 for unix).
  const std::vector<std::uint16_t>& ports() const { return ports_; }

  // New exchanges use `config` from now on.
  void reload(Config config);

  // Stops accepting, lets exchanges finish. Returns at once.
  void drain();
  // Ends every connection. Returns at once.
  void cut();
  // Waits until every worker is done, at most `timeout`; true if they are.
  bool wait(Millis timeout);
  bool draining() const { return draining_; }

  std::uint64_t count(Counter counter) const;
  // How many valid cookies came that this key had sealed.
  std::uint64_t opened_by(const KeyId& key) const;
  std::size_t connections() const { return shared_.connections.load(); }
  // Whether some worker cannot use the store of the sessions. From any thread.
  bool store_degraded() const { return shared_.store_health.degraded(clock_.steady()); }
  std::shared_ptr<const Snapshot> snapshot() const { return snapshot_; }
  // What the workers count of each backend's servers. From any thread.
  const BackendBook& backend_book() const { return shared_.backends; }

 private:
  void watch(const Config& config);
  void post_to_workers(const std::function<void(Worker&)>& job);

  const Clock& clock_;
  Options options_;
  std::shared_ptr<const Snapshot> snapshot_;
  SharedCounts shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> running_{0};
  std::vector<std::uint16_t> ports_;
  std::unique_ptr<HealthChecker> health_checker_;
  std::unique_ptr<Resolver> resolver_;
  bool draining_ = false;
};

}  // namespace keepsake
