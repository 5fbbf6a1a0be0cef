#include "backend/health_checker.hpp"

#include <algorithm>

#include "io/log.hpp"

namespace keepsake {

namespace {
constexpr std::size_t kBufferSize = 16 * 1024;
constexpr std::size_t kKeptBuffers = 16;
}  // namespace

HealthChecker::HealthChecker(const Clock& clock, Millis tick, Report report)
    : clock_(clock),
      tick_(tick),
      report_(std::move(report)),
      buffers_(kBufferSize, kKeptBuffers),
      timer_(io_) {}

HealthChecker::~HealthChecker() {
  if (!thread_.joinable()) {
    return;
  }
  asio::post(io_, [this] {
    stopping_ = true;
    timer_.cancel();
    streams_.close();  // of checks whose server a reload has taken away, too
  });
  thread_.join();
}

void HealthChecker::watch(const std::vector<BackendConfig>& backends,
                          const std::vector<std::shared_ptr<TlsBackend>>& tls) {
  const bool needed = std::any_of(backends.begin(), backends.end(), [](const auto& backend) {
    return backend.health_check.has_value();
  });
  if (!needed && !thread_.joinable()) {
    return;
  }
  asio::post(io_, [this, backends, tls] { take_over(backends, tls); });
  if (!thread_.joinable()) {
    const std::lock_guard lock(mutex_);
    running_ = true;
    thread_ = std::thread([this] { run(); });
  }
}

void HealthChecker::set_endpoints(const std::string& url, const std::vector<Endpoint>& endpoints) {
  {
    const std::lock_guard lock(mutex_);
    endpoints_[url] = endpoints;
    if (!running_) {
      return;
    }
  }
  asio::post(io_, [this, url, endpoints] {
    for (const auto& [key, target] : targets_) {
      if (key.second == url) {
        target->addresses.set(endpoints);
      }
    }
  });
}

std::vector<Endpoint> HealthChecker::addresses_of(const ServerConfig& server) {
  const std::lock_guard lock(mutex_);
  const auto resolved = endpoints_.find(server.url);
  return resolved != endpoints_.end() ? resolved->second : literal_endpoints(server.address);
}

void HealthChecker::take_over(const std::vector<BackendConfig>& backends,
                              const std::vector<std::shared_ptr<TlsBackend>>& tls) {
  std::map<Key, std::shared_ptr<Target>> before = std::exchange(targets_, {});
  for (std::size_t i = 0; i < backends.size(); ++i) {
    const BackendConfig& backend = backends[i];
    for (const ServerConfig& server : backend.servers) {
      const Key key{backend.name, server.url};
      if (!backend.health_check || targets_.contains(key)) {
        continue;
      }
      std::shared_ptr<Target> target;
      if (const auto known = before.find(key); known != before.end()) {
        target = known->second;
        before.erase(known);
      } else {
        target = std::make_shared<Target>(
            Target{{server, {}, {}, ServerAddresses{addresses_of(server)}, {}}, key});
        target->next = clock_.steady();
      }
      target->check = *backend.health_check;
      target->http2 = backend.http2;
      target->request = probe_request(backend, server);
      target->tls.apply(backend, server, server.tls ? tls[i] : nullptr);
      if (!target->healthy) {
        report_(key.first, key.second, false);
      }
      targets_.emplace(key, std::move(target));
    }
  }
  for (const auto& [key, target] : before) {
    target->gone = true;
    report_(key.first, key.second, true);  // it may still be in use, without checks
  }
}

void HealthChecker::run() {
  streams_.sweep(clock_.steady(), tick_);
  tick_on();
  io_.run();
}

void HealthChecker::tick_on() {
  timer_.expires_after(tick_);
  timer_.async_wait([this](const error_code&) {
    if (!stopping_) {
      look();
      tick_on();
    }
  });
}

void HealthChecker::look() {
  const SteadyTime now = clock_.steady();
  streams_.sweep(now, tick_);
  for (const auto& [key, target] : targets_) {
    if (!target->checking && target->next <= now) {
      target->next = now + target->check.interval;
      start(check(target));
    }
  }
}

Task<void> HealthChecker::check(std::shared_ptr<Target> target) {
  target->checking = true;
  const ProbeContext context{io_, streams_, buffers_};
  const std::string why = co_await probe(context, *target);
  target->checking = false;
  if (!target->gone && !stopping_) {
    judge(*target, why);
  }
}

// Only results in a row that contradict what the server is taken for change it.
void HealthChecker::judge(Target& target, const std::string& why) {
  if (why.empty() == target.healthy) {
    target.in_a_row = 0;
    return;
  }
  const unsigned enough = target.healthy ? target.check.unhealthy : target.check.healthy;
  if (++target.in_a_row < enough) {
    return;
  }
  target.in_a_row = 0;
  target.healthy = !target.healthy;
  if (target.healthy) {
    log::info("backend {}: {} is healthy again", target.key.first, target.key.second);
  } else {
    log::warn("backend {}: {} is unhealthy: {} (GET {}, {} checks in a row{})", target.key.first,
              target.key.second, why, target.check.path, enough,
              why.starts_with("it answered ")
                  ? "; health_check.path must name a page that answers 2xx without a login"
                  : "");
  }
  report_(target.key.first, target.key.second, target.healthy);
}

}  // namespace keepsake
