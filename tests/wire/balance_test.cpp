// Several servers behind one backend: who gets which request, and names with several addresses.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <mutex>

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

const char* const kFour = R"(
listen: [{address: "127.0.0.1:0"}]
backends:
  app: {servers: ["${B0}", "${B1}", "${B2}", "${B3}"], balance: "${BALANCE}"}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}]}
)";

struct World {
  explicit World(const std::string& balance)
      : proxy(kFour, {{"B0", backends[0].url()},
                      {"B1", backends[1].url()},
                      {"B2", backends[2].url()},
                      {"B3", backends[3].url()},
                      {"BALANCE", balance}}) {}

  // Which backend gets a request with that cookie.
  std::size_t serve(const std::string& cookie) {
    Link client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" +
                (cookie.empty() ? "" : "Cookie: session=" + cookie + "\r\n") + "\r\n");
    std::size_t at = 4;
    proxy.wait_until("a backend is asked", [&] {
      for (at = 0; at < 4 && !backends[at].has_connection(); ++at) {
      }
      return at < 4;
    });
    Link link = backends[at].accept();
    link.read_request();
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    CHECK(client.read_response().body == "ok");
    return at;
  }
  std::string new_visitor() const {
    return proxy
        .ask(
            "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n"
            "name=Zoe")
        .set_cookie();
  }

  Backend backends[4];
  Proxy proxy;
};

const char* const kNamed = R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["http://app.test:${PORT}"], ejection: {failures: 100, for: 10s}}}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
)";

// What the name server says; the resolver asks every few milliseconds.
class NameServer {
 public:
  Proxy::NameService service() const {
    return [state = state_](const std::string& host) {
      const std::lock_guard lock(state->mutex);
      return host == "app.test" ? state->addresses : std::vector<std::string>{};
    };
  }
  void say(std::vector<std::string> now) {
    const std::lock_guard lock(state_->mutex);
    state_->addresses = std::move(now);
  }

 private:
  struct State {
    std::mutex mutex;
    std::vector<std::string> addresses;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

// A server at 127.0.0.`number` whose queue of connections is full: it says nothing.
class SilentServer {
 public:
  SilentServer(std::uint16_t port, unsigned number)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0x7f000000U + number);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(fd_, generic, size) == 0);
    REQUIRE(::listen(fd_, 0) == 0);
    REQUIRE(::getsockname(fd_, generic, &size) == 0);
    port_ = ntohs(address.sin_port);
    for (int& fd : queued_) {
      fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      ::connect(fd, generic, size);
    }
  }
  ~SilentServer() {
    for (const int fd : queued_) {
      ::close(fd);
    }
    ::close(fd_);
  }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  int fd_;
  int queued_[4] = {};
  std::uint16_t port_ = 0;
};

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* kClose = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

}  // namespace

TEST_CASE("session_hash is sticky without a cookie of its own", "[wire][balance]") {
  World world{"session_hash"};
  std::map<std::string, std::size_t> homes;
  std::map<std::size_t, std::string> visitors;
  while (visitors.size() < 4) {
    const std::string cookie = world.new_visitor();
    const std::size_t home = world.serve(cookie);
    homes[cookie] = home;
    visitors[home] = cookie;
  }
  for (int round = 0; round < 2; ++round) {
    for (const auto& [cookie, home] : homes) {
      CHECK(world.serve(cookie) == home);
    }
  }
  // A server that is gone moves its own visitors only, each to one other server.
  world.backends[2].stop();
  for (const auto& [cookie, home] : homes) {
    const std::size_t now = world.serve(cookie);
    CHECK(world.serve(cookie) == now);
    if (home != 2) {
      CHECK(now == home);
    }
  }
}

TEST_CASE("session_hash takes turns for visitors without a session", "[wire][balance]") {
  World world{"session_hash"};
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(world.serve("") == i % 4);
  }
}

TEST_CASE("least_requests avoids servers that are busy", "[wire][balance]") {
  World world{"least_requests"};
  std::vector<Link> clients, links;
  std::map<std::size_t, int> busy;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(world.proxy.connect());
    clients.back().send(kGet);
    std::size_t at = 4;
    world.proxy.wait_until("a backend is asked", [&] {
      for (at = 0; at < 4 && !world.backends[at].has_connection(); ++at) {
      }
      return at < 4;
    });
    links.push_back(world.backends[at].accept());
    ++busy[at];
  }
  for (const auto& [at, requests] : busy) {
    CHECK(requests >= 6);
    CHECK(requests <= 14);
  }
}

TEST_CASE("the last server that can be used is never left out", "[wire][balance][ejection]") {
  Backend one, two;
  Proxy proxy{R"(
listen: [{address: "127.0.0.1:0"}]
backends:
  app: {servers: ["${ONE}", "${TWO}"], ejection: {failures: 1, for: 10s}, retry: {attempts: 1}}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
)",
              {{"ONE", one.url()}, {"TWO", two.url()}}};
  one.stop();
  CHECK(proxy.ask(kClose).status() == 502);
  two.stop();
  for (int i = 0; i < 5; ++i) {
    CHECK(proxy.ask(kClose).status() == 502);
  }
  // All of them went to the second one, which is still not left out.
  CHECK(proxy.ejected_servers() == 1);
}

TEST_CASE("keepsake starts with a name that does not resolve yet", "[wire][names]") {
  Backend backend;
  NameServer names;
  Proxy proxy{kNamed, {{"PORT", std::to_string(backend.port())}}, names.service()};
  CHECK(proxy.ask(kClose).status() == 502);
  names.say({"127.0.0.1"});
  Link client;
  proxy.wait_until("the name is known", [&] {
    client = proxy.connect();
    client.send(kClose);
    return backend.has_connection(20ms);
  });
  backend.accept().send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  CHECK(client.read_response().body == "ok");
}

TEST_CASE("an address that is dead does not cost every second request a connect", "[wire][names]") {
  Backend backend;  // on 127.0.0.1; nobody listens on the others
  NameServer names;
  names.say({"127.0.0.2", "127.0.0.1", "127.0.0.3"});
  Proxy proxy{kNamed, {{"PORT", std::to_string(backend.port())}}, names.service()};
  proxy.wait_until("the name is known", [&] { return proxy.resolved(); });
  const auto serve = [&] {
    Link client = proxy.connect();
    client.send(kClose);
    backend.accept().send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    CHECK(client.read_response().body == "ok");
  };
  for (int i = 0; i < 9; ++i) {
    serve();
  }
  CHECK(proxy.count(Counter::BackendConnectFailures) <= 2);
  // It is tried again after a while.
  proxy.advance(11s);
  for (int i = 0; i < 9; ++i) {
    serve();
  }
  CHECK(proxy.count(Counter::BackendConnectFailures) <= 4);
}

TEST_CASE("an idle link to an address that the name has lost is closed", "[wire][names]") {
  Backend backend;
  NameServer names;
  names.say({"127.0.0.1"});
  Proxy proxy{kNamed, {{"PORT", std::to_string(backend.port())}}, names.service()};
  proxy.wait_until("the name is known", [&] { return proxy.resolved(); });
  Link idle = proxy.connect(), busy = proxy.connect();
  idle.send(kGet);
  Link first = backend.accept();
  first.read_request();
  busy.send(kGet);
  Link second = backend.accept();
  second.read_request();
  first.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  CHECK(idle.read_response().body == "ok");

  names.say({"127.0.0.1", "127.0.0.2"});
  CHECK_FALSE(first.readable(50ms));
  names.say({"127.0.0.2"});
  CHECK(first.read_to_end().empty());
  // One that is in use ends its exchange and is not used again.
  second.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  CHECK(busy.read_response().body == "ok");
  CHECK(second.read_to_end().empty());
}

TEST_CASE("a name that loses all of its addresses keeps the last ones", "[wire][names]") {
  Backend backend;
  NameServer names;
  names.say({"127.0.0.1"});
  Proxy proxy{kNamed, {{"PORT", std::to_string(backend.port())}}, names.service()};
  proxy.wait_until("the name is known", [&] { return proxy.resolved(); });
  names.say({});
  proxy.wait_until("that is logged", [&] {
    return proxy.log().find("the last answer stays in use") != std::string::npos;
  });
  Link client = proxy.connect();
  client.send(kGet);
  backend.accept().send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  CHECK(client.read_response().body == "ok");
}

TEST_CASE("an address of several that says nothing delays a request by less than a second",
          "[wire][names]") {
  Backend backend;
  const SilentServer silent{backend.port(), 2};
  NameServer names;
  names.say({"127.0.0.1", "127.0.0.2"});
  Proxy proxy{kNamed, {{"PORT", std::to_string(backend.port())}}, names.service()};
  proxy.wait_until("the name is known", [&] { return proxy.resolved(); });
  std::chrono::milliseconds waited{0};
  for (int i = 0; i < 6; ++i) {
    Link client = proxy.connect();
    client.send(kClose);
    waited += proxy.advance_until(50ms, [&] { return backend.has_connection(20ms); });
    backend.accept().send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    CHECK(client.read_response().body == "ok");
  }
  CHECK(waited < 1s);
  CHECK(proxy.count(Counter::BackendConnectFailures) == 1);
}

TEST_CASE("addresses that all say nothing are waited for no longer than two connects",
          "[wire][names]") {
  const SilentServer one{0, 2};
  const SilentServer two{one.port(), 3};
  const SilentServer three{one.port(), 4};
  NameServer names;
  names.say({"127.0.0.2", "127.0.0.3", "127.0.0.4"});
  Proxy proxy{kNamed, {{"PORT", std::to_string(one.port())}}, names.service()};
  proxy.wait_until("the name is known", [&] { return proxy.resolved(); });
  Link client = proxy.connect();
  client.send(kClose);
  const auto waited = proxy.advance_until(100ms, [&] { return client.readable(); });
  CHECK(client.read_response().status() == 504);
  CHECK(waited >= 2s);
  CHECK(waited <= 7s);
}
