#include "support/proxy.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "config/load.hpp"
#include "io/log.hpp"
#include "server/server.hpp"
#include "support/manual_clock.hpp"

namespace keepsake::test {

const std::string_view kSecret = "correct-horse-battery-staple-0123456789-abc";
const std::string_view kOtherSecret = "another-secret-of-decent-length-9876543210-xyz";

const std::string_view kTutorial = R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/static/*", backend: app, session: false}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}], headers: {X-Session-Name: myName}}
)";

namespace {

// How often the worker looks at the clock, and how often a test looks whether something has
// happened: nearly all the time that a test takes is spent waiting for one or the other.
constexpr Millis kSweep{1};
constexpr std::chrono::microseconds kLook{500};

// How reads and writes are made, for whole runs of the suite: as they come, or each of them in a
// round ("ring": one system call; "each": one for each; "mixed": now so, now as they come).
std::string_view rounds() {
  const char* way = std::getenv("KEEPSAKE_TEST_ROUNDS");
  return way != nullptr ? way : "";
}

// The operational log of the process, kept as text: workers write, the test reads.
class CapturedLog {
 public:
  CapturedLog() {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(stream_, true);
    sink->set_pattern("%l: %v");
    auto logger = std::make_shared<spdlog::logger>("test", std::move(sink));
    logger->set_level(spdlog::level::debug);
    spdlog::set_default_logger(std::move(logger));
  }
  ~CapturedLog() { spdlog::set_default_logger(std::make_shared<spdlog::logger>("none")); }
  std::string text() {
    // The sink's own lock is held while it writes; a flush of ours takes turns with it.
    return stream_.text();
  }

 private:
  // A stream whose text may be read while another thread writes it.
  struct Shared final : std::stringbuf {
    std::mutex mutex;
    std::string whole;
    std::streamsize xsputn(const char* bytes, std::streamsize n) override {
      const std::lock_guard lock(mutex);
      whole.append(bytes, static_cast<std::size_t>(n));
      return n;
    }
  };
  struct Stream final : std::ostream {
    Stream() : std::ostream(nullptr) { rdbuf(&buffer); }
    std::string text() {
      const std::lock_guard lock(buffer.mutex);
      return buffer.whole;
    }
    Shared buffer;
  };
  Stream stream_;
};

// Counts how often each thread reads it. While no request arrives a worker's thread does so once
// per sweep; so two more readings mean that one whole sweep has seen the hands where they are. The
// health checks' thread is the same.
class WatchedClock final : public Clock {
 public:
  using Readings = std::map<std::thread::id, std::uint64_t>;

  SteadyTime steady() const override {
    ++waiting_;
    const std::lock_guard lock(mutex_);
    --waiting_;
    ++readings_[std::this_thread::get_id()];
    return clock_.steady();
  }
  WallTime wall() const override { return clock_.wall(); }
  void advance(std::chrono::milliseconds by) { clock_.advance(by); }
  // `meanwhile` happens while a thread that is about to read the new time is held.
  void advance(std::chrono::milliseconds by, const std::function<void()>& meanwhile) {
    const std::lock_guard lock(mutex_);
    clock_.advance(by);
    while (waiting_ == 0) {
      std::this_thread::yield();
    }
    meanwhile();
  }
  Readings readings() const {
    const std::lock_guard lock(mutex_);
    Readings readings = readings_;
    readings.erase(std::this_thread::get_id());
    return readings;
  }

 private:
  ManualClock clock_;
  mutable std::mutex mutex_;
  mutable std::atomic<int> waiting_{0};
  mutable Readings readings_;
};

// Adapts a test's name service to the resolver.
Resolved resolve(const Proxy::NameService& names, const std::string& host, std::uint16_t port) {
  Resolved resolved;
  for (const std::string& address : names(host)) {
    resolved.endpoints.emplace_back(asio::ip::tcp::endpoint{asio::ip::make_address(address), port});
  }
  return resolved;
}

Config load(std::string_view yaml, const Proxy::Variables& variables) {
  Environment environment;
  environment.variable = [&variables](const std::string& name) -> std::optional<std::string> {
    if (name == "SESSION_KEY") {
      return std::string{kSecret};
    }
    if (name == "OTHER_KEY") {
      return std::string{kOtherSecret};
    }
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional{found->second};
  };
  environment.read_file = [&variables](const std::string& path,
                                       FileError& error) -> std::optional<std::string> {
    const auto found = variables.find("file:" + path);
    if (found != variables.end()) {
      return found->second;
    }
    return Environment::process().read_file(path, error);  // certificates that the test made
  };
  Loaded loaded = load_config_text(yaml, "test.yaml", environment);
  if (!loaded.config) {
    std::string what = "the test's configuration:";
    for (const Problem& problem : loaded.problems) {
      what += "\n" + to_string(problem);
    }
    throw std::runtime_error(what);
  }
  loaded.config->io_uring = loaded.config->io_uring && rounds() != "each";
  return std::move(*loaded.config);
}

Server::Options options(int access_log, Proxy::NameService names) {
  Server::Options options;
  if (names) {
    options.resolver.lookup = [names = std::move(names)](const std::string& host,
                                                         std::uint16_t port) {
      return resolve(names, host, port);
    };
    options.resolver.interval = Millis{5};
  }
  options.worker.sweep = kSweep;
  if (!rounds().empty()) {
    options.worker.alone = rounds() == "mixed" ? 3 : 0;
  }
  options.worker.access_log_fd = access_log;
  options.workers = 1;
  return options;
}

}  // namespace

struct Proxy::Inside {
  Inside(std::string_view yaml, Variables values, NameService names)
      : variables(std::move(values)),
        access_log(::memfd_create("access", MFD_CLOEXEC)),
        server(load(yaml, variables), clock, options(access_log, std::move(names))) {
    std::string error;
    if (!server.start(error)) {
      throw std::runtime_error(error);
    }
  }
  ~Inside() {
    server.cut();
    ended();
  }
  bool ended() {
    const auto end = std::chrono::steady_clock::now() + kGuard;
    while (!server.wait(Millis{0}) && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(kLook);
    }
    return server.wait(Millis{0});
  }

  Variables variables;
  CapturedLog log;
  WatchedClock clock;
  std::mutex settling;
  int access_log;
  Server server;
};

Proxy::Proxy(const Backend& backend, std::string_view more)
    : Proxy(std::string{kTutorial}.append(more), {{"BACKEND", backend.url()}}) {}

Proxy::Proxy(std::string_view yaml, Variables variables, NameService names)
    : inside_(std::make_unique<Inside>(yaml, std::move(variables), std::move(names))) {}

Proxy::~Proxy() {
  const int access_log = inside_->access_log;
  inside_.reset();
  ::close(access_log);
}

std::uint16_t Proxy::port() const {
  return inside_->server.ports().front();
}

Link Proxy::connect(int receive_buffer) const {
  static const char* const version = std::getenv("KEEPSAKE_TEST_HTTP");
  Link link = connect_to(port(), receive_buffer);
  if (version != nullptr && std::string_view{version} == "2") {
    link.speak_http2();
  }
  return link;
}

Message Proxy::ask(std::string_view request) const {
  Link client = connect();
  client.send(request);
  return client.read_response(request.starts_with("HEAD "));
}

void Proxy::reload(std::string_view yaml) {
  std::string error;
  if (!inside_->server.reload(load(yaml, inside_->variables), error)) {
    throw std::runtime_error(error);
  }
  settle();
}

void Proxy::drain() {
  inside_->server.drain();
  settle();
}

void Proxy::cut() {
  inside_->server.cut();
}

bool Proxy::ended() {
  return inside_->ended();
}

void Proxy::advance(std::chrono::milliseconds by) {
  inside_->clock.advance(by);
  const WatchedClock::Readings before = inside_->clock.readings();
  wait_until("the clock was looked at", [this, &before] {
    const WatchedClock::Readings now = inside_->clock.readings();
    return std::all_of(before.begin(), before.end(), [&now](const auto& thread) {
      return now.at(thread.first) >= thread.second + 2;
    });
  });
}

void Proxy::advance(std::chrono::milliseconds by, const std::function<void()>& meanwhile) {
  inside_->clock.advance(by, meanwhile);
  advance(std::chrono::milliseconds{0});
}

std::chrono::milliseconds Proxy::advance_until(std::chrono::milliseconds step,
                                               const std::function<bool()>& happened) {
  std::chrono::milliseconds total{0};
  const auto end = std::chrono::steady_clock::now() + kGuard;
  while (!happened()) {
    if (std::chrono::steady_clock::now() > end) {
      throw std::runtime_error("turned the clock by " + std::to_string(total.count()) +
                               " ms and nothing happened; log:\n" + log());
    }
    advance(step);
    total += step;
  }
  return total;
}

void Proxy::wait_until(std::string_view what, const std::function<bool()>& happened) const {
  const auto end = std::chrono::steady_clock::now() + kGuard;
  while (!happened()) {
    if (std::chrono::steady_clock::now() > end) {
      throw std::runtime_error("waited in vain until " + std::string{what} + "; log:\n" + log());
    }
    std::this_thread::sleep_for(kLook);
  }
}

// A step of the worker may leave its rest to a job behind those that wait already, and that its own
// rest again; none leaves it three times.
void Proxy::settle() const {
  constexpr int kTurns = 4;
  const std::lock_guard lock(inside_->settling);
  for (int i = 0; i < kTurns; ++i) {
    inside_->server.ping();
    const auto end = std::chrono::steady_clock::now() + kGuard;
    while (!inside_->server.answered()) {
      if (std::chrono::steady_clock::now() > end) {
        throw std::runtime_error("the worker does not answer");
      }
      std::this_thread::yield();
    }
  }
}

std::uint64_t Proxy::count(Counter counter) const {
  settle();
  return inside_->server.count(counter);
}

std::size_t Proxy::connections() const {
  settle();
  return inside_->server.connections();
}

std::size_t Proxy::ill_servers() const {
  const auto servers = inside_->server.backend_book().servers();
  return static_cast<std::size_t>(std::count_if(
      servers.begin(), servers.end(), [](const auto& server) { return !server->healthy; }));
}

std::size_t Proxy::ejected_servers() const {
  settle();
  const auto servers = inside_->server.backend_book().servers();
  return static_cast<std::size_t>(std::count_if(
      servers.begin(), servers.end(), [](const auto& server) { return server->ejected.load(); }));
}

bool Proxy::resolved() const {
  const auto servers = inside_->server.backend_book().servers();
  return std::all_of(servers.begin(), servers.end(),
                     [](const auto& server) { return server->addresses != 0; });
}

std::size_t Proxy::queued() const {
  settle();
  std::size_t sum = 0;
  for (const auto& [backend, queue] : inside_->server.backend_book().queues()) {
    sum += queue->size();
  }
  return sum;
}

std::string Proxy::access_log() const {
  std::string text;
  char bytes[4096];
  ssize_t n = 0;
  while ((n = ::pread(inside_->access_log, bytes, sizeof bytes, static_cast<off_t>(text.size()))) >
         0) {
    text.append(bytes, static_cast<std::size_t>(n));
  }
  return text;
}

std::string Proxy::log() const {
  settle();
  return inside_->log.text();
}

}  // namespace keepsake::test
