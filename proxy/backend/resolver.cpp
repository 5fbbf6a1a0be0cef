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

Resolver::Resolver(Report report) : shared_(std::make_shared<Shared>(std::move(report))) {}

Resolver::~Resolver() {
  bool asking = false;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stop = true;
    asking = shared_->asking;
  }
  shared_->changed.notify_all();
  if (thread_.joinable()) {
    asking ? thread_.detach() : thread_.join();
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
    const std::lock_guard lock(shared_->mutex);
    shared_->wanted = std::move(names);
    shared_->fresh = true;
  }
  shared_->changed.notify_all();
  if (needed && !thread_.joinable()) {
    thread_ = std::thread([shared = shared_] { run(shared); });
  }
}

void Resolver::resolve(Shared& shared, Entry& entry) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(entry.server.address.port);
  const int code = ::getaddrinfo(entry.server.address.host.c_str(), port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned{found, &::freeaddrinfo};
  const std::lock_guard lock(shared.mutex);
  if (shared.stop) {
    return;
  }
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
  std::sort(endpoints.begin(), endpoints.end());
  if (entry.failing) {
    log::info("{} resolves again", entry.server.url);
    entry.failing = false;
  }
  if (!endpoints.empty() && endpoints != entry.last) {
    entry.last = endpoints;
    shared.report(entry.server, endpoints);
  }
}

void Resolver::run(const std::shared_ptr<Shared>& shared) {
  std::vector<Entry> entries;
  std::unique_lock lock(shared->mutex);
  while (!shared->stop) {
    if (shared->fresh) {
      shared->fresh = false;
      entries.clear();
      for (const ServerConfig& server : shared->wanted) {
        entries.push_back({server, {}, false});
      }
    }
    shared->asking = true;
    for (std::size_t i = 0; i < entries.size() && !shared->stop; ++i) {
      lock.unlock();
      resolve(*shared, entries[i]);
      lock.lock();
    }
    shared->asking = false;
    shared->changed.wait_for(lock, kInterval, [&shared] { return shared->stop || shared->fresh; });
  }
}

}  // namespace keepsake
