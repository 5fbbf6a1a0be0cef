// Names, as a name server of the test's own and /etc/hosts tell them.

#include "backend/name_service.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "backend/resolver.hpp"
#include "support/catch.hpp"
#include "support/link.hpp"

using namespace keepsake;
using test::kGuard;

namespace {

// A name server on UDP that says nothing of names that begin with "dead".
class NameServer {
 public:
  struct Answer {
    std::string v4, v6;
    std::uint32_t ttl = 1;
  };

  NameServer() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_);
    ::sendto(fd_, "end", 3, 0, reinterpret_cast<sockaddr*>(&address), sizeof address);
    thread_.join();
    ::close(fd_);
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  NameService::Options options() const { return {"127.0.0.1", port_}; }
  void say(const std::string& name, Answer answer) {
    const std::lock_guard lock(mutex_);
    answers_[name] = std::move(answer);
  }
  std::size_t asked(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return asked_[name];
  }

 private:
  static void number(std::string& out, std::uint32_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) {
      out.push_back(static_cast<char>(value >> (8 * i)));
    }
  }
  static void record(std::string& out, std::uint32_t type, std::uint32_t ttl,
                     const std::string& data) {
    number(out, 0xc00c, 2);
    number(out, type, 2);
    number(out, 1, 2);
    number(out, ttl, 4);
    number(out, static_cast<std::uint32_t>(data.size()), 2);
    out += data;
  }

  void serve() {
    while (true) {
      char bytes[512];
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t n =
          ::recvfrom(fd_, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 13) {
        return;
      }
      const std::string reply = answer({bytes, static_cast<std::size_t>(n)});
      if (!reply.empty()) {
        ::sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
      }
    }
  }

  std::string answer(const std::string& query) {
    std::string name;
    std::size_t at = 12;
    for (std::size_t size = 0; (size = static_cast<unsigned char>(query[at])) != 0;
         at += size + 1) {
      name += (name.empty() ? "" : ".") + query.substr(at + 1, size);
    }
    const int type = static_cast<unsigned char>(query[at + 2]);
    const std::lock_guard lock(mutex_);
    ++asked_[name];
    if (name.starts_with("dead")) {
      return {};
    }
    const auto known = answers_.find(name);
    std::string data;
    if (known != answers_.end() && type == 1 && !known->second.v4.empty()) {
      data.resize(4);
      ::inet_pton(AF_INET, known->second.v4.c_str(), data.data());
    } else if (known != answers_.end() && type == 28 && !known->second.v6.empty()) {
      data.resize(16);
      ::inet_pton(AF_INET6, known->second.v6.c_str(), data.data());
    }
    std::string out = query.substr(0, 2);
    number(out, known == answers_.end() ? 0x8183 : 0x8180, 2);
    number(out, 1, 2);
    number(out, data.empty() ? 0 : 1, 2);
    number(out, 0, 4);
    out += query.substr(12, at + 5 - 12);
    if (!data.empty()) {
      record(out, static_cast<std::uint32_t>(type), known->second.ttl, data);
    }
    return out;
  }

  int fd_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::map<std::string, Answer> answers_;
  std::map<std::string, std::size_t> asked_;
  std::thread thread_;
};

std::string text_of(const Endpoint& endpoint) {
  char text[INET6_ADDRSTRLEN] = {};
  const bool v4 = endpoint.protocol().family() == AF_INET;
  const void* const ip = v4 ? static_cast<const void*>(
                                  &reinterpret_cast<const sockaddr_in*>(endpoint.data())->sin_addr)
                            : &reinterpret_cast<const sockaddr_in6*>(endpoint.data())->sin6_addr;
  ::inet_ntop(v4 ? AF_INET : AF_INET6, ip, text, sizeof text);
  return text;
}

using Texts = std::vector<std::string>;
Texts texts_of(const std::vector<Endpoint>& endpoints) {
  Texts texts;
  std::transform(endpoints.begin(), endpoints.end(), std::back_inserter(texts), text_of);
  std::sort(texts.begin(), texts.end());
  return texts;
}

// Asks, and loops until the answer is there.
Resolved ask(NameService& service, const std::string& host) {
  Resolved answer;
  bool done = false;
  service.ask(host, 80, [&](Resolved resolved) {
    answer = std::move(resolved);
    done = true;
  });
  const auto end = std::chrono::steady_clock::now() + kGuard;
  std::vector<pollfd> polls;
  while (!done && std::chrono::steady_clock::now() < end) {
    polls.clear();
    service.add_descriptors(polls);
    ::poll(polls.data(), polls.size(), static_cast<int>(service.patience(Millis{100}).count()));
    service.look(polls);
  }
  REQUIRE(done);
  return answer;
}

std::vector<BackendConfig> backend_of(const Texts& names) {
  std::vector<BackendConfig> backends(1);
  for (const std::string& name : names) {
    ServerConfig& server = backends[0].servers.emplace_back();
    server.url = "http://" + name;
    server.address.host = name;
    server.address.port = 80;
  }
  return backends;
}

// What a resolver reports, to be awaited.
class Reports {
 public:
  Resolver::Report sink() {
    return [this](const ServerConfig& server, const std::vector<Endpoint>& endpoints) {
      const std::lock_guard lock(mutex_);
      last_[server.address.host] = texts_of(endpoints);
      changed_.notify_all();
    };
  }
  bool wait_for(const std::string& host, const Texts& addresses) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kGuard, [&] { return last_[host] == addresses; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Texts> last_;
};

}  // namespace

TEST_CASE("a name has the addresses of both families and their shortest lifetime",
          "[backend][names]") {
  NameServer server;
  server.say("both.test", {"127.0.0.5", "::1", 30});
  server.say("four.test", {"127.0.0.6", "", 7});
  server.say("six.test", {"", "::1", 0});
  NameService service{server.options()};
  const Resolved both = ask(service, "both.test");
  CHECK(both.error.empty());
  CHECK(texts_of(both.endpoints) == Texts{"127.0.0.5", "::1"});
  CHECK(both.ttl == std::chrono::seconds{30});
  CHECK(texts_of(ask(service, "four.test").endpoints) == Texts{"127.0.0.6"});
  CHECK(ask(service, "four.test").ttl == std::chrono::seconds{7});
  CHECK(texts_of(ask(service, "six.test").endpoints) == Texts{"::1"});
  const Resolved none = ask(service, "none.test");
  CHECK_FALSE(none.error.empty());
  CHECK(none.endpoints.empty());
}

TEST_CASE("localhost is both loopback addresses, and no name server is asked for it",
          "[backend][names]") {
  NameServer server;
  NameService service{server.options()};
  const std::string name = GENERATE("localhost", "LocalHost", "app.localhost");
  const Resolved resolved = ask(service, name);
  CHECK(resolved.error.empty());
  CHECK(texts_of(resolved.endpoints) == Texts{"127.0.0.1", "::1"});
  CHECK(server.asked(name) == 0);
}

TEST_CASE("questions that are open when the service goes are forgotten", "[backend][names]") {
  NameServer server;
  bool called = false;
  {
    NameService service{server.options()};
    service.ask("dead.test", 80, [&](const Resolved&) { called = true; });
  }
  CHECK_FALSE(called);
}

TEST_CASE("a name that no server answers for delays no other", "[backend][names]") {
  NameServer server;
  server.say("fast.test", {"127.0.0.5", "", 1});
  Reports reports;
  Resolver::Options options;
  options.names = server.options();
  Resolver resolver{reports.sink(), std::move(options)};
  const auto began = std::chrono::steady_clock::now();
  resolver.watch(backend_of({"dead-1.test", "dead-2.test", "fast.test"}));
  CHECK(reports.wait_for("fast.test", {"127.0.0.5"}));
  // It has a lifetime of its own, too: the dead names are still being asked for.
  server.say("fast.test", {"127.0.0.7", "", 1});
  CHECK(reports.wait_for("fast.test", {"127.0.0.7"}));
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{4});
  CHECK(server.asked("dead-1.test") > 0);
}

TEST_CASE("a lifetime of nothing counts as a second", "[backend][names]") {
  NameServer server;
  server.say("short.test", {"127.0.0.5", "", 0});
  Reports reports;
  Resolver::Options options;
  options.names = server.options();
  Resolver resolver{reports.sink(), std::move(options)};
  resolver.watch(backend_of({"short.test"}));
  CHECK(reports.wait_for("short.test", {"127.0.0.5"}));
  const std::size_t asked = server.asked("short.test");
  server.say("short.test", {"127.0.0.6", "", 3600});
  CHECK(reports.wait_for("short.test", {"127.0.0.6"}));
  CHECK(server.asked("short.test") <= asked + 4);
}

TEST_CASE("a resolver ends at once, whoever does not answer", "[backend][names]") {
  NameServer server;
  const auto began = std::chrono::steady_clock::now();
  {
    Reports reports;
    Resolver::Options options;
    options.names = server.options();
    Resolver resolver{reports.sink(), std::move(options)};
    resolver.watch(backend_of({"dead.test"}));
    while (server.asked("dead.test") == 0) {
      std::this_thread::yield();
    }
  }
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{1});
}
