#include "server/worker.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>

#include "client/http2_connection.hpp"
#include "exchange/hold_session.hpp"
#include "exchange/relay_upgrade.hpp"
#include "io/log.hpp"
#include "server/accept_connections.hpp"
#include "session/codec_factory.hpp"
#include "store/memory_store.hpp"
#include "store/redis_cluster.hpp"
#include "store/redis_greeting.hpp"
#include "store/redis_store.hpp"

namespace keepsake {

namespace {
constexpr std::size_t kManyFreed = 256;
constexpr Millis kDrainSweep{50};  // in a drain somebody waits for the end of the process
}  // namespace

Worker::Worker(const Clock& clock, SharedCounts& shared, Options options)
    : Connections(clock, shared, options.access_log_fd),
      options_(options),
      sweep_timer_(io_),
      pools_(io_, streams_, buffers_, metrics_, random_, shared.backends, http2_memory_) {
  streams_.sweep(clock_.steady(), options_.sweep);
}

Worker::~Worker() {
  listeners_.clear();
  view_.reset();
  next_.reset();
}

// A reload that leaves Redis where it is keeps the connection.
std::shared_ptr<RedisServers> Worker::redis_for(const Snapshot& snapshot) {
  const RedisConfig& config = *snapshot.config.session.redis;
  std::shared_ptr<RedisServers> servers = redis_.lock();
  if (!servers || servers->config() != config) {
    const RedisConnection::Context context{io_,
                                           streams_,
                                           clock_,
                                           random_,
                                           shared_.store_health,
                                           snapshot.certificates.redis,
                                           snapshot.certificates.sentinels,
                                           [this](const ServerConfig& server) {
                                             shared_.store_names.ask(server);
                                             return pools_.endpoints(server.url);
                                           }};
    if (config.cluster.empty()) {
      servers = std::make_shared<RedisConnection>(context, config);
    } else {
      servers = std::make_shared<RedisCluster>(context, config);
    }
    for (const ServerConfig& named : redis_named_servers(config)) {
      const std::vector<Endpoint> known = pools_.endpoints(named.url);
      if (!known.empty()) {
        servers->set_endpoints(named.url, known);
      }
    }
    redis_ = servers;
    std::erase_if(redis_servers_, [](const auto& known) { return known.expired(); });
    redis_servers_.push_back(servers);
  }
  return servers;
}

// The store of a configuration; the memory store outlives reloads, as what it holds must.
std::shared_ptr<SessionStore> Worker::store_for(const Snapshot& snapshot) {
  const SessionConfig& config = snapshot.config.session;
  switch (config.store) {
    case SessionStoreKind::Memory:
      return shared_.memory;
    case SessionStoreKind::Redis:
      return std::make_shared<RedisStore>(redis_for(snapshot), snapshot.keys, config.index,
                                          random_);
    case SessionStoreKind::Cookie:
      break;
  }
  return nullptr;
}

void Worker::prepare(std::shared_ptr<const Snapshot> snapshot) {
  // Room for the largest head, which is held, and a trailer line of the same size behind it.
  const std::size_t head =
      std::max(snapshot->request_limits.bytes, snapshot->response_limits.bytes);
  buffers_.grow_to(std::max(kUsualBufferSize, 2 * head));
  pools_.set_response_limits(snapshot->response_limits);
  auto view = std::make_shared<View>();
  view->store = store_for(*snapshot);
  view->cells = traffic_.bind(snapshot->config);
  view->codec = make_codec(snapshot->config.session, snapshot->keys, random_);
  if (!snapshot->return_name.empty()) {
    view->return_cookie =
        std::make_unique<ReturnCookie>(snapshot->keys, snapshot->return_name, random_);
  }
  view->keys = key_use_.cells_of(*snapshot->keys);
  for (std::size_t i = 0; i < snapshot->config.backends.size(); ++i) {
    view->backends.push_back(pools_.balancer(snapshot->config.backends[i], snapshot->rings[i],
                                             snapshot->certificates.backends[i]));
  }
  view->snapshot = std::move(snapshot);
  next_ = std::move(view);
}

bool Worker::use_prepared(const Snapshot& snapshot) {
  if (!next_ || next_->snapshot.get() != &snapshot) {
    return false;
  }
  view_ = std::move(next_);
  next_.reset();
  pools_.forget_unused();
  return true;
}

void Worker::set_endpoints(const std::string& url, const std::vector<Endpoint>& endpoints) {
  pools_.set_endpoints(url, endpoints);
  if (const std::shared_ptr<RedisServers> redis = redis_.lock()) {
    redis->set_endpoints(url, endpoints);
  }
}

void Worker::set_healthy(const std::string& backend, const std::string& url, bool healthy) {
  pools_.set_healthy(backend, url, healthy, streams_.now());
}

void Worker::run() {
  streams_.sweep(clock_.steady(), options_.sweep);  // deadlines count from when it runs
  const bool wanted = view_->config().io_uring;
  const bool had = streams_.round().begin(io_, wanted, options_.alone);
  if (wanted && !had && shared_.seldom.now(SeldomLine::NoRing, streams_.now())) {
    log::info("io_uring is not available here: each read and write is a system call of its own");
  }
  start(sweep_regularly());
  io_.run();
}

void Worker::drain(Millis patience, bool handed_over) {
  if (draining_) {
    return;
  }
  draining_ = true;
  idle_until_ = clock_.steady() + patience;
  for (const std::shared_ptr<Listener>& listener : listeners_) {
    if (handed_over) {
      listener->leaving = true;
      listener->take_the_last();
    } else {
      retire(listener);
    }
  }
  for_each_connection([](Connection& connection) {
    if (connection.http2 != nullptr) {
      connection.http2->drain();
    } else if (connection.client.tunnel != nullptr) {
      close_tunnel(*connection.client.tunnel, CloseCode::GoingAway);
    }
  });
  sweep();
  sweep_timer_.cancel();  // from now on it looks more often
}

void Worker::cut() {
  draining_ = true;
  idle_until_ = {};
  for (const std::shared_ptr<Listener>& listener : listeners_) {
    listener->stop();
  }
  end_everything();
  sweep();  // nobody waits in a queue any more
  sweep_timer_.cancel();
}

void Worker::end_everything() {
  streams_.close();
  for (const auto& known : redis_servers_) {
    if (const std::shared_ptr<RedisServers> redis = known.lock()) {
      redis->stop();
    }
  }
}

Task<void> Worker::sweep_regularly() {
  while (!stopping_) {
    struct Tick {
      asio::steady_timer& timer;
      bool await_ready() const { return false; }
      void await_suspend(std::coroutine_handle<> waiter) {
        timer.async_wait([waiter](const error_code&) { waiter.resume(); });
      }
      void await_resume() const {}
    };
    sweep_timer_.expires_after(draining_ ? std::min(options_.sweep, kDrainSweep) : options_.sweep);
    Tick tick{sweep_timer_};
    co_await tick;
    sweep();
  }
}

void Worker::sweep() {
  const SteadyTime now = clock_.steady();
  streams_.sweep(now, options_.sweep);
  for (Connection* connection = connections_; connection != nullptr;) {
    Connection* const next = connection->next;
    if (connection->http2 != nullptr) {
      connection->http2->sweep(now);
    }
    connection = next;
  }
  look_after_waiting_clients();
  for (Exchange* held = held_; held != nullptr; held = held->next_held) {
    look_after_session(*held);
  }
  pools_.sweep(now);
  access_log_.flush();
  if (!draining_) {
    return;
  }
  if (now >= idle_until_) {
    end_unused_connections();
  }
  if (listeners_.empty() && connections_ == nullptr && parked_ == nullptr && !stopping_) {
    stopping_ = true;
    pools_.close_idle();
    end_everything();  // clients that were refused among them
    access_log_.finish();
    sweep_timer_.cancel();
  }
}

void Worker::end_unused_connections() {
  using Phase = Client::Phase;
  for_each_connection([](Connection& connection) {
    Stream& stream = connection.stream;
    // A request that has come is answered, also when its bytes have not reached the connection.
    const Phase phase = connection.client.phase;
    if (phase == Phase::Idle && !stream.has_input()) {
      stream.nudge_reader();
    } else if (phase == Phase::Opening || (phase == Phase::Lingering && stream.unsent() <= 0)) {
      stream.interrupt();
    }
  });
}

// Clients whose exchange waits for the backend are asked whether they are still there: a reset
// shows up in poll() without reading anything. A mere end of their bytes does not count, since they
// still want their answer, unless the route says `abandon: end`. Connections that idle are not
// looked at again after a sweep or two.
void Worker::look_after_waiting_clients() {
  polls_.clear();
  waiting_.clear();
  Connection* next = nullptr;
  for (Connection* connection = connections_; connection != nullptr; connection = next) {
    next = connection->next;
    if (connection->client.phase == Client::Phase::Idle) {
      if (++connection->idle_sweeps >= 2) {
        park(*connection);
      }
    } else if (connection->client.phase == Client::Phase::Waiting) {
      const short end = connection->client.ends_with_bytes ? POLLRDHUP : 0;
      polls_.push_back({connection->stream.fd(), end, 0});
      waiting_.push_back(connection);
    }
  }
  freed_ += workspaces_.trim() + buffers_.trim();
  if (freed_ >= kManyFreed) {
    freed_ = 0;
    ::malloc_trim(
        0);  // what many exchanges at once, or many TLS records, needed: back to the system
  }
  if (polls_.empty() || ::poll(polls_.data(), polls_.size(), 0) <= 0) {
    return;
  }
  for (std::size_t i = 0; i < polls_.size(); ++i) {
    if ((polls_[i].revents & (POLLERR | POLLRDHUP)) != 0) {
      waiting_[i]->stream.interrupt();
      if (waiting_[i]->client.on_cut != nullptr) {
        waiting_[i]->client.on_cut->interrupt();
      }
    }
  }
}

}  // namespace keepsake
