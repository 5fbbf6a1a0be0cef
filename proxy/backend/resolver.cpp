#include "backend/resolver.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "io/endpoint.hpp"
#include "io/log.hpp"

namespace keepsake {

namespace {

// What a name server says of an answer's lifetime counts within these: a shorter one would ask all
// the time, a longer one would find a server that moved too late.
constexpr std::chrono::seconds kShortest{1};
constexpr std::chrono::seconds kLongest{60};
// A name without an answer is asked for again after 1, 2, 4 and then every 5 seconds.
constexpr Millis kLongestRetry{5000};
// A cluster has no more servers.
constexpr std::size_t kMostAlso = 1000;

// In one order, whatever the name server likes today, and each once.
void tidy(std::vector<Endpoint>& endpoints) {
  std::sort(endpoints.begin(), endpoints.end());
  endpoints.erase(std::unique(endpoints.begin(), endpoints.end()), endpoints.end());
  endpoints.resize(std::min(endpoints.size(), Resolver::Options::kMostAddresses));
}

SteadyTime now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

Resolver::Resolver(Report report, Options options)
    : report_(std::move(report)),
      options_(std::move(options)),
      names_(options_.names),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Resolver::~Resolver() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake();
  if (thread_.joinable()) {
    thread_.join();
  }
  ::close(wake_);
}

void Resolver::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(wake_, &one, sizeof one);
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
  const std::lock_guard lock(mutex_);
  wanted_ = std::move(names);
  fresh_ = true;
  if (needed) {
    need_thread();
  }
  wake();
}

void Resolver::watch_also(const ServerConfig& server) {
  if (!literal_endpoints(server.address).empty()) {
    return;
  }
  const std::lock_guard lock(mutex_);
  const bool known = std::any_of(also_.begin(), also_.end(), [&server](const ServerConfig& other) {
    return other.url == server.url;
  });
  if (!known && also_.size() >= kMostAlso) {
    also_.erase(also_.begin());
  }
  if (!known) {
    also_.push_back(server);
    fresh_ = true;
  }
  repeat_.push_back(server.url);
  need_thread();
  wake();
}

// With the mutex held.
void Resolver::need_thread() {
  if (!thread_.joinable()) {
    // Signals are for the control thread.
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
  }
}

void Resolver::take_over(std::vector<ServerConfig> wanted) {
  std::map<std::string, std::shared_ptr<Entry>> before = std::exchange(entries_, {});
  for (ServerConfig& server : wanted) {
    std::shared_ptr<Entry>& entry = entries_[server.url];
    if (const auto known = before.find(server.url); known != before.end()) {
      entry = known->second;
      before.erase(known);
    } else if (!entry) {
      entry = std::make_shared<Entry>();
      entry->server = std::move(server);
    }
  }
  for (const auto& [url, entry] : before) {
    entry->dropped = true;
  }
}

void Resolver::ask_those_due(SteadyTime time) {
  for (const auto& [url, entry] : entries_) {
    if (entry->asking || entry->due > time) {
      continue;
    }
    entry->asking = true;
    const SocketAddress& address = entry->server.address;
    if (options_.lookup) {
      finish(*entry, options_.lookup(address.host, address.port));
    } else {
      names_.ask(address.host, address.port,
                 [this, entry = entry](Resolved resolved) { finish(*entry, std::move(resolved)); });
    }
  }
}

void Resolver::finish(Entry& entry, Resolved resolved) {
  entry.asking = false;
  if (entry.dropped) {
    return;
  }
  if (resolved.error.empty() && resolved.endpoints.empty()) {
    resolved.error = "the answer has no address";
  }
  if (!resolved.error.empty()) {
    const Millis retry =
        std::min(kLongestRetry, Millis{1000} * (1U << std::min(entry.failures, 3U)));
    entry.due = now() + (options_.lookup ? options_.interval : retry);
    if (entry.failures++ == 0) {
      log::warn("cannot resolve {}: {}; trying again every few seconds{}", entry.server.url,
                resolved.error, entry.last.empty() ? "" : ", the last answer stays in use");
    }
    return;
  }
  const Millis lifetime = std::clamp(resolved.ttl, kShortest, kLongest);
  entry.due = now() + (options_.lookup ? options_.interval : lifetime);
  if (std::exchange(entry.failures, 0) != 0) {
    log::info("{} resolves again", entry.server.url);
  }
  tidy(resolved.endpoints);
  if (resolved.endpoints != entry.last) {
    entry.last = std::move(resolved.endpoints);
    report_(entry.server, entry.last);
  }
}

void Resolver::report_again(const Entry& entry) const {
  if (!entry.last.empty()) {
    report_(entry.server, entry.last);
  }
}

Millis Resolver::until_next(SteadyTime time) const {
  SteadyTime next = time + kLongest;
  for (const auto& [url, entry] : entries_) {
    if (!entry->asking) {
      next = std::min(next, entry->due);
    }
  }
  return std::chrono::ceil<Millis>(std::max(next - time, SteadyTime::duration{}));
}

void Resolver::run() {
  std::vector<pollfd> polls;
  std::vector<std::string> repeat;
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stop_) {
        return;
      }
      if (std::exchange(fresh_, false)) {
        std::vector<ServerConfig> all = wanted_;
        all.insert(all.end(), also_.begin(), also_.end());
        take_over(std::move(all));
      }
      repeat = std::exchange(repeat_, {});
    }
    for (const std::string& url : repeat) {
      if (const auto known = entries_.find(url); known != entries_.end()) {
        report_again(*known->second);
      }
    }
    ask_those_due(now());
    polls.assign(1, {wake_, POLLIN, 0});
    names_.add_descriptors(polls);
    const Millis patience = names_.patience(until_next(now()));
    ::poll(polls.data(), polls.size(), static_cast<int>(patience.count()));
    std::uint64_t ignored = 0;
    [[maybe_unused]] const ssize_t n = ::read(wake_, &ignored, sizeof ignored);
    names_.look(polls);
  }
}

}  // namespace keepsake
