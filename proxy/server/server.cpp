#include "server/server.hpp"

#include <algorithm>
#include <limits>

#include "backend/health_checker.hpp"
#include "base/cores.hpp"
#include "io/log.hpp"
#include "io/signals_blocked.hpp"
#include "io/tls_tickets.hpp"
#include "server/administer_sessions.hpp"
#include "store/memory_store.hpp"
#include "store/redis_greeting.hpp"

namespace keepsake {

namespace {

// How often the health checks look at their deadlines.
constexpr Millis kHealthTick{100};

// A client that has just sent a request on its kept-alive connection, or is about to, gets an
// answer and is told to come back on another one. Then connections without a request are closed:
// early enough that a process with nothing in flight ends within a second.
constexpr Millis kIdlePatience{500};

// Whatever has a name that must become an address.
std::vector<BackendConfig> servers_of(const Config& config) {
  std::vector<BackendConfig> servers;
  for (const BackendConfig& backend : config.backends) {
    servers.emplace_back().servers = backend.servers;  // not its secret
  }
  if (config.session.store == SessionStoreKind::Redis) {
    servers.emplace_back().servers = redis_named_servers(*config.session.redis);
  }
  return servers;
}

}  // namespace

Server::Server(Config config, const Clock& clock) : Server(std::move(config), clock, Options{}) {}

Server::Server(Config config, const Clock& clock, Options options)
    : clock_(clock), options_(options), tickets_(std::make_shared<TlsTicketKeys>(clock)) {
  snapshot_ = make_snapshot(std::move(config), certificate_error_);
  shared_.memory = std::make_shared<MemoryStore>(snapshot_->config.session.max_sessions);
  shared_.memory->set_index(snapshot_->config.session.index);
}

std::shared_ptr<const Snapshot> Server::make_snapshot(Config config, std::string& error) const {
  auto made = std::make_shared<Snapshot>(std::move(config), snapshot_.get());
  make_certificates(made->config, snapshot_ ? &snapshot_->certificates : nullptr, tickets_,
                    made->certificates, error);
  return made;
}

Server::~Server() {
  shared_.store_names.set({});
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
  if (!certificate_error_.empty()) {
    error = certificate_error_;
    return false;
  }
  const Config& config = snapshot_->config;
  const unsigned configured = options_.workers != 0 ? options_.workers : config.workers;
  const unsigned count = configured != 0 ? configured : usable_cores();

  InheritedSockets& inherited = options_.inherited ? *options_.inherited : nothing_inherited_;
  auto listening = keepsake::listen_on(config, {}, {}, count, inherited, error);
  if (!listening) {
    return false;
  }
  take(std::move(*listening));
  shared_.workers = count;
  for (unsigned i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<Worker>(clock_, shared_, options_.worker));
    workers_.back()->prepare(snapshot_);
    workers_.back()->use_prepared(*snapshot_);
    workers_.back()->listen_on(spots_of(i, count));
  }
  const SignalsBlocked blocked;  // workers leave them to the control thread
  answers_ = std::make_unique<std::atomic<std::uint64_t>[]>(count);
  for (unsigned i = 0; i < count; ++i) {
    ++running_;
    threads_.emplace_back([this, &worker = *workers_[i], &answer = answers_[i]] {
      worker.run();
      answer = std::numeric_limits<std::uint64_t>::max();
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
  shared_.store_names.set([this](const ServerConfig& server) { resolver_->watch_also(server); });
  return true;
}

void Server::take(std::vector<ListeningAddress> listening) {
  for (const ListeningAddress& before : listening_) {
    const auto stays = [&before](const ListeningAddress& address) {
      return address.sockets.front() == before.sockets.front();
    };
    if (std::none_of(listening.begin(), listening.end(), stays)) {
      retiring_.insert(retiring_.end(), before.sockets.begin(), before.sockets.end());
    }
  }
  listening_ = std::move(listening);
  ports_.clear();
  for (const ListeningAddress& address : listening_) {
    ports_.push_back(address.port);
  }
}

// A reload may be the first to need one of these threads.
void Server::watch(const Config& config) {
  const SignalsBlocked blocked;
  health_checker_->watch(config.backends, snapshot_->certificates.backends);
  resolver_->watch(servers_of(config));
}

std::vector<std::uint16_t> Server::our_ports() {
  std::vector<std::uint16_t> ports = ports_;
  std::erase_if(retiring_, [](const auto& socket) { return socket.expired(); });
  for (const auto& retiring : retiring_) {
    if (const SharedSocket socket = retiring.lock()) {
      ports.push_back(socket->port());
    }
  }
  return ports;
}

std::vector<ListenSpot> Server::spots_of(std::size_t i, std::size_t count) const {
  std::vector<ListenSpot> spots;
  for (std::size_t index = 0; index < listening_.size(); ++index) {
    for (SharedSocket& socket : share_of(listening_[index].sockets, i, count)) {
      spots.push_back({std::move(socket), index});
    }
  }
  return spots;
}

void Server::post_to_worker(std::size_t i, std::function<void(Worker&)> job) {
  Worker& worker = *workers_[i];
  asio::post(worker.io(), [job = std::move(job), &worker] { job(worker); });
}

void Server::post_to_workers(const std::function<void(Worker&)>& job) {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    post_to_worker(i, job);
  }
}

bool Server::reload(Config config, std::string& error) {
  std::shared_ptr<const Snapshot> next = make_snapshot(std::move(config), error);
  if (!error.empty()) {
    return false;
  }
  auto listening = keepsake::listen_on(next->config, listening_, our_ports(), workers_.size(),
                                       nothing_inherited_, error);
  if (!listening) {
    return false;
  }
  take(std::move(*listening));
  snapshot_ = std::move(next);
  shared_.memory->set_max_sessions(snapshot_->config.session.max_sessions);
  shared_.memory->set_index(snapshot_->config.session.index);
  const auto unready = std::make_shared<std::atomic<std::size_t>>(workers_.size());
  const auto spots = std::make_shared<std::vector<std::vector<ListenSpot>>>();
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    spots->push_back(spots_of(i, workers_.size()));
  }
  post_to_workers([this, snapshot = snapshot_, unready, spots](Worker& worker) {
    worker.prepare(snapshot);
    if (unready->fetch_sub(1) != 1) {
      return;
    }
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      post_to_worker(i, [snapshot, spots, i](Worker& ready) {
        if (ready.use_prepared(*snapshot)) {
          ready.listen_on((*spots)[i]);
        }
      });
    }
  });
  watch(snapshot_->config);
  return true;
}

void Server::drain() {
  draining_ = true;
  listening_.clear();
  post_to_workers([](Worker& worker) { worker.drain(kIdlePatience, false); });
}

void Server::hand_over(Millis patience) {
  draining_ = true;
  listening_.clear();
  post_to_workers([patience](Worker& worker) { worker.drain(patience, true); });
}

void Server::log_access_to(const std::shared_ptr<const LogFile>& file) {
  post_to_workers([file](Worker& worker) { worker.access_log().write_to(file); });
}

std::vector<SharedSocket> Server::listening_sockets() const {
  std::vector<SharedSocket> all;
  for (const ListeningAddress& address : listening_) {
    all.insert(all.end(), address.sockets.begin(), address.sockets.end());
  }
  return all;
}

std::vector<std::string> Server::bound_hosts(std::size_t i) const {
  std::vector<std::string> hosts;
  for (const SharedSocket& socket : listening_[i].sockets) {
    if (std::string host = socket->host(); hosts.empty() || hosts.back() != host) {
      hosts.push_back(std::move(host));
    }
  }
  return hosts;
}

void Server::cut() {
  draining_ = true;
  for (const SharedSocket& socket : listening_sockets()) {
    socket->refuse_newcomers();  // a unix socket leaves no file
  }
  listening_.clear();
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

void Server::ping() {
  ++question_;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    post_to_worker(i, [&answer = answers_[i], question = question_](Worker&) {
      std::uint64_t last = question - 1;
      answer.compare_exchange_strong(last, question);
    });
  }
}

bool Server::answered() const {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (answers_[i].load() < question_) {
      return false;
    }
  }
  return true;
}

std::uint64_t Server::count(Counter counter) const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) {
    sum += worker->metrics().get(counter);
  }
  return sum;
}

Http2Figures Server::http2() const {
  Http2Figures figures;
  for (const auto& worker : workers_) {
    figures.add(worker->http2_counts());
  }
  return figures;
}

Http2BackendFigures Server::http2_to_backends() const {
  Http2BackendFigures figures;
  for (const auto& worker : workers_) {
    figures.add(worker->http2_backend_counts());
  }
  return figures;
}

void Server::list_sessions(SessionsWanted wanted, std::function<void(StoreListing)> done) const {
  Worker& worker = *workers_.front();
  asio::post(worker.io(), [&worker, wanted = std::move(wanted), done = std::move(done)] {
    keepsake::start(keepsake::list_sessions(worker, wanted, done));
  });
}

void Server::end_sessions(std::string value, std::function<void(StoreEnded)> done) const {
  Worker& worker = *workers_.front();
  asio::post(worker.io(), [&worker, value = std::move(value), done = std::move(done)] {
    keepsake::start(keepsake::end_sessions(worker, value, done));
  });
}

void Server::end_session(const StoreKey& key, std::function<void(StoreResult)> done) const {
  Worker& worker = *workers_.front();
  asio::post(worker.io(), [&worker, key, done = std::move(done)] {
    keepsake::start(keepsake::end_session(worker, key, done));
  });
}

TrafficFigures Server::traffic() const {
  TrafficFigures figures;
  for (const auto& worker : workers_) {
    worker->traffic().add_to(figures);
  }
  return figures;
}

}  // namespace keepsake
