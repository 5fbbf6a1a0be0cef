#include "backend/resolver.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

#include "backend/server_pool.hpp"
#include "base/log.hpp"

namespace keepsake {

namespace {
// How often a name is asked for. getaddrinfo tells no lifetime of its answers.
constexpr std::chrono::seconds kInterval{5};
constexpr std::size_t kMaxAddresses = 64;
}  // namespace

Resolver::Resolver(Report report) : report_(std::move(report)) {}

Resolver::~Resolver() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Resolver::watch(const std::vector<BackendConfig>& backends) {
  std::vector<ServerConfig> names;
  for (const BackendConfig& backend : backends) {
    for (const ServerConfig& server : backend.servers) {
      if (literal_endpoints(server.address).empty()) {
        names.push_back(server);
      }
    }
  }
  const bool needed = !names.empty();
  {
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(names);
    fresh_ = true;
  }
  changed_.notify_all();
  if (needed && !thread_.joinable()) {
    thread_ = std::thread([this] { run(); });
  }
}

void Resolver::resolve(Entry& entry) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(entry.server.address.port);
  const int code = ::getaddrinfo(entry.server.address.host.c_str(), port.c_str(), &hints, &found);
  if (code != 0) {
    if (!entry.failing) {
      log::warn("cannot resolve {}: {}; trying again every {} s", entry.server.url,
                ::gai_strerror(code), kInterval.count());
    }
    entry.failing = true;
    return;
  }
  std::vector<Endpoint> endpoints;
  for (const addrinfo* one = found; one != nullptr && endpoints.size() < kMaxAddresses;
       one = one->ai_next) {
    endpoints.emplace_back(one->ai_addr, one->ai_addrlen, 0);
  }
  ::freeaddrinfo(found);
  std::sort(endpoints.begin(), endpoints.end());
  if (entry.failing) {
    log::info("{} resolves again", entry.server.url);
    entry.failing = false;
  }
  if (!endpoints.empty() && endpoints != entry.last) {
    entry.last = endpoints;
    report_(entry.server, endpoints);
  }
}

void Resolver::run() {
  std::vector<Entry> entries;
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (fresh_) {
      fresh_ = false;
      entries.clear();
      for (const ServerConfig& server : wanted_) {
        entries.push_back({server, {}, false});
      }
    }
    lock.unlock();
    for (Entry& entry : entries) {
      resolve(entry);
    }
    lock.lock();
    changed_.wait_for(lock, kInterval, [this] { return stop_ || fresh_; });
  }
}

}  // namespace keepsake
