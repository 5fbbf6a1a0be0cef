#include "server/server.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <future>

#include "backend/health_checker.hpp"
#include "base/log.hpp"
#include "server/accept_connections.hpp"
#include "store/redis_greeting.hpp"

namespace keepsake {

namespace {

// How often the health checks look at their deadlines.
constexpr Millis kHealthTick{100};

unsigned usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    return std::max(1U, static_cast<unsigned>(CPU_COUNT(&set)));
  }
  return std::max(1U, std::thread::hardware_concurrency());
}

// Whatever has a name that must become an address.
std::vector<BackendConfig> servers_of(const Config& config) {
  std::vector<BackendConfig> servers = config.backends;
  if (config.session.store == SessionStoreKind::Redis) {
    servers.emplace_back().servers.push_back(redis_server(*config.session.redis));
  }
  return servers;
}

}  // namespace

Server::Server(Config config, const Clock& clock) : Server(std::move(config), clock, Options{}) {}

Server::Server(Config config, const Clock& clock, Options options)
    : clock_(clock),
      options_(options),
      snapshot_(std::make_shared<const Snapshot>(std::move(config))) {
  shared_.memory = std::make_shared<MemoryStore>(snapshot_->config.session.max_sessions);
}

Server::~Server() {
  resolver_.reset();
  health_checker_.reset();
  if (!threads_.empty()) {
    cut();
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }
}

bool Server::start(std::string& error) {
  const Config& config = snapshot_->config;
  const unsigned configured = options_.workers != 0 ? options_.workers : config.workers;
  const unsigned count = configured != 0 ? configured : usable_cores();

  std::vector<std::vector<int>> sockets;
  for (const ListenConfig& listen : config.listen) {
    std::string why;
    std::vector<int> fds = open_listeners(listen.address, count, why);
    if (fds.empty()) {
      error = fmt::format("cannot listen on {}: {}", listen.address.to_string(), why);
      for (const std::vector<int>& opened : sockets) {
        std::for_each(opened.begin(), opened.end(), ::close);
      }
      ports_.clear();
      return false;
    }
    ports_.push_back(bound_port(fds.front()));
    sockets.push_back(std::move(fds));
  }
  for (unsigned i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<Worker>(clock_, shared_, options_.worker));
    workers_.back()->prepare(snapshot_);
    workers_.back()->use_prepared(*snapshot_);
    for (std::size_t l = 0; l < sockets.size(); ++l) {
      workers_.back()->accept_from(sockets[l][i], config.listen[l]);
    }
  }
  // Workers leave signals to the control thread.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  for (const auto& worker : workers_) {
    ++running_;
    threads_.emplace_back([this, &worker = *worker] {
      worker.run();
      --running_;
      running_.notify_all();
    });
  }
  health_checker_ = std::make_unique<HealthChecker>(
      clock_, std::min(options_.worker.sweep, kHealthTick),
      [this](const std::string& backend, const std::string& url, bool healthy) {
        post_to_workers(
            [backend, url, healthy](Worker& worker) { worker.set_healthy(backend, url, healthy); });
      });
  resolver_ = std::make_unique<Resolver>(
      [this](const ServerConfig& server, const std::vector<Endpoint>& endpoints) {
        post_to_workers([url = server.url, endpoints](Worker& worker) {
          worker.set_endpoints(url, endpoints);
        });
        health_checker_->set_endpoints(server.url, endpoints);
      },
      options_.resolver);
  watch(config);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  return true;
}

void Server::post_to_workers(const std::function<void(Worker&)>& job) {
  for (const auto& worker : workers_) {
    asio::post(worker->io(), [job, &worker = *worker] { job(worker); });
  }
}

void Server::watch(const Config& config) {
  health_checker_->watch(config.backends);
  resolver_->watch(servers_of(config));
}

void Server::reload(Config config) {
  snapshot_ = std::make_shared<const Snapshot>(std::move(config), snapshot_.get());
  shared_.memory->set_max_sessions(snapshot_->config.session.max_sessions);
  const auto unready = std::make_shared<std::atomic<std::size_t>>(workers_.size());
  post_to_workers([this, snapshot = snapshot_, unready](Worker& worker) {
    worker.prepare(snapshot);
    if (unready->fetch_sub(1) == 1) {
      worker.use_prepared(*snapshot);
      post_to_workers([snapshot](Worker& other) { other.use_prepared(*snapshot); });
    }
  });
  watch(snapshot_->config);
}

void Server::drain() {
  draining_ = true;
  post_to_workers([](Worker& worker) { worker.drain(); });
}

void Server::cut() {
  draining_ = true;
  post_to_workers([](Worker& worker) { worker.cut(); });
}

bool Server::wait(Millis timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (running_ != 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(Millis{5});
  }
  return running_ == 0;
}

std::uint64_t Server::opened_by(const KeyId& key) const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) {
    sum += worker->key_use().opened(key);
  }
  return sum;
}

std::uint64_t Server::count(Counter counter) const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) {
    sum += worker->metrics().get(counter);
  }
  return sum;
}

}  // namespace keepsake
