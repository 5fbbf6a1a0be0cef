#include "backend/resolver.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

#include "backend/server_addresses.hpp"
#include "base/log.hpp"

namespace keepsake {

namespace {

Resolved ask_system(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned{found, &::freeaddrinfo};
  Resolved resolved;
  if (code != 0) {
    resolved.error = ::gai_strerror(code);
    return resolved;
  }
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    resolved.endpoints.emplace_back(one->ai_addr, one->ai_addrlen, 0);
  }
  return resolved;
}

// In one order, whatever the name server likes today, and each once.
void tidy(std::vector<Endpoint>& endpoints) {
  std::sort(endpoints.begin(), endpoints.end());
  endpoints.erase(std::unique(endpoints.begin(), endpoints.end()), endpoints.end());
  endpoints.resize(std::min(endpoints.size(), Resolver::Options::kMostAddresses));
}

}  // namespace

Resolver::Resolver(Report report, Options options)
    : shared_(std::make_shared<Shared>(std::move(report), std::move(options))) {}

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
      const bool known = std::any_of(names.begin(), names.end(), [&server](const auto& name) {
        return name.url == server.url;
      });
      if (!known && literal_endpoints(server.address).empty()) {
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
  const SocketAddress& address = entry.server.address;
  Resolved resolved = shared.options.lookup ? shared.options.lookup(address.host, address.port)
                                            : ask_system(address.host, address.port);
  if (resolved.error.empty() && resolved.endpoints.empty()) {
    resolved.error = "the answer has no address";
  }
  const std::lock_guard lock(shared.mutex);
  if (shared.stop) {
    return;
  }
  if (!resolved.error.empty()) {
    if (!entry.failing) {
      log::warn("cannot resolve {}: {}; trying again every {} s{}", entry.server.url,
                resolved.error, std::chrono::duration<double>(shared.options.interval).count(),
                entry.last.empty() ? "" : ", the last answer stays in use");
    }
    entry.failing = true;
    return;
  }
  if (entry.failing) {
    log::info("{} resolves again", entry.server.url);
    entry.failing = false;
  }
  tidy(resolved.endpoints);
  if (resolved.endpoints != entry.last) {
    entry.last = std::move(resolved.endpoints);
    shared.report(entry.server, entry.last);
  }
}

std::vector<Resolver::Entry> Resolver::take_over(const std::vector<ServerConfig>& wanted,
                                                 std::vector<Entry> before) {
  std::vector<Entry> entries;
  for (const ServerConfig& server : wanted) {
    const auto known = std::find_if(before.begin(), before.end(), [&server](const Entry& entry) {
      return entry.server.url == server.url;
    });
    entries.push_back(known == before.end() ? Entry{server, {}, false} : std::move(*known));
  }
  return entries;
}

void Resolver::run(const std::shared_ptr<Shared>& shared) {
  std::vector<Entry> entries;
  std::unique_lock lock(shared->mutex);
  while (!shared->stop) {
    if (shared->fresh) {
      shared->fresh = false;
      entries = take_over(shared->wanted, std::move(entries));
    }
    shared->asking = true;
    for (std::size_t i = 0; i < entries.size() && !shared->stop && !shared->fresh; ++i) {
      lock.unlock();
      resolve(*shared, entries[i]);
      lock.lock();
    }
    shared->asking = false;
    shared->changed.wait_for(lock, shared->options.interval,
                             [&shared] { return shared->stop || shared->fresh; });
  }
}

}  // namespace keepsake
