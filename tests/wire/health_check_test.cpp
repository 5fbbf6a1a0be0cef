// Active health checks: what is asked, what counts as well, and what becomes of the requests.

#include <unistd.h>

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

const char* const kChecked = R"(
listen: [{address: "127.0.0.1:0"}]
backends:
  app:
    servers: ["${ONE}", "${TWO}"]
    health_check: {path: "/up?deep=1", interval: 1s, timeout: 500ms, healthy: 2, unhealthy: 3}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
)";

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

// The check that is being made, and its answer.
Message check(Backend& backend, const std::string& answer = "200 OK") {
  Link link = backend.accept();
  Message request = link.read_request();
  link.send("HTTP/1.1 " + answer + "\r\nContent-Length: 0\r\n\r\n");
  return request;
}

struct World {
  Backend one, two;
  Proxy proxy{kChecked, {{"ONE", one.url()}, {"TWO", two.url()}}};
  int rounds = 0;

  // A round of checks with these answers; the first one comes by itself.
  void round(const std::string& first, const std::string& second) {
    if (rounds++ > 0) {
      proxy.advance(1s);
    }
    check(one, first);
    check(two, second);
  }
  void make_ill(const std::string& first, const std::string& second, std::size_t ill) {
    for (int i = 0; i < 3; ++i) {
      round(first, second);
    }
    proxy.wait_until("servers are ill", [&] { return proxy.ill_servers() == ill; });
  }
  // A request must arrive at `backend`.
  void serve_at(Backend& backend) const {
    Link client = proxy.connect();
    client.send(kGet);
    Link link = backend.accept();
    CHECK(link.read_request().start_line() == "GET / HTTP/1.1");
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    CHECK(client.read_response().body == "ok");
  }
};

}  // namespace

TEST_CASE("a check is a GET that a server can tell from others", "[wire][health]") {
  World world;
  const Message request = check(world.one);
  CHECK(request.start_line() == "GET /up?deep=1 HTTP/1.1");
  CHECK(request.value("Host") == world.one.url().substr(7));
  CHECK(request.value("Connection") == "close");
  CHECK(request.value("User-Agent") == "keepsake-health-check");
  check(world.two);
  // The next one is due after the interval and not before.
  world.proxy.advance(900ms);
  CHECK_FALSE(world.one.has_connection());
  world.proxy.advance(100ms);
  check(world.one);
  check(world.two);
}

TEST_CASE("a server that fails often enough gets nothing until it is well often enough",
          "[wire][health]") {
  const std::string bad = GENERATE("503 Service Unavailable", "302 Found", "404 Not Found");
  World world;
  world.round(bad, "204 No Content");
  world.round(bad, "200 OK");
  CHECK(world.proxy.ill_servers() == 0);
  world.round("200 OK", "200 OK");  // not in a row
  world.make_ill(bad, "200 OK", 1);
  CHECK(world.proxy.log().find("is unhealthy: it answered " + bad.substr(0, 3) +
                               " (GET /up?deep=1, 3 checks in a row; health_check.path must name "
                               "a page that answers 2xx without a login)") != std::string::npos);
  for (int i = 0; i < 3; ++i) {
    world.serve_at(world.two);
  }
  world.round("200 OK", "200 OK");
  world.round(bad, "200 OK");
  world.round("200 OK", "200 OK");
  CHECK(world.proxy.ill_servers() == 1);
  world.round("200 OK", "200 OK");
  world.proxy.wait_until("it is well", [&] { return world.proxy.ill_servers() == 0; });
  CHECK(world.proxy.log().find("is healthy again") != std::string::npos);
  world.serve_at(world.one);
  world.serve_at(world.two);
}

TEST_CASE("without a healthy server the answer is 503 at once", "[wire][health]") {
  World world;
  world.make_ill("500 Oh", "500 Oh", 2);
  const Message response = world.proxy.ask(kGet);
  CHECK(response.status() == 503);
  CHECK(response.value("Retry-After") == "1");
  CHECK(world.proxy.log().find("proxy fault no_server") != std::string::npos);
}

TEST_CASE("a check that is never answered, or not by HTTP, has failed", "[wire][health]") {
  World world;
  const std::string answer = GENERATE("", "HTTP/1.1 200 OK\r\nX-", "220 mail.example ESMTP\r\n");
  const std::string why = answer.starts_with("220") ? "is no HTTP response" : "no answer in time";
  for (int i = 0; i < 3; ++i) {
    world.proxy.advance(i == 0 ? 0ms : 500ms);
    Link silent = world.one.accept();
    silent.read_request();
    silent.send(answer);
    check(world.two);
    world.proxy.advance(500ms);
    // Given up after the timeout, though nobody closed it: by a reset if what was sent is unread.
    silent.read_rest();
  }
  world.proxy.wait_until("it is ill", [&] { return world.proxy.ill_servers() == 1; });
  CHECK(world.proxy.log().find("is unhealthy: ") != std::string::npos);
  CHECK(world.proxy.log().find(why) != std::string::npos);
  world.serve_at(world.two);
}

TEST_CASE("an interim response is no answer yet", "[wire][health]") {
  World world;
  for (int i = 0; i < 3; ++i) {
    world.proxy.advance(i == 0 ? 0s : 1s);
    Link link = world.one.accept();
    link.read_request();
    link.send("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 500 Oh\r\n\r\n");
    check(world.two);
  }
  world.proxy.wait_until("it is ill", [&] { return world.proxy.ill_servers() == 1; });
}

TEST_CASE("what the checks found survives a reload, and ends with the checks", "[wire][health]") {
  World world;
  world.make_ill("500 Oh", "200 OK", 1);
  world.proxy.reload(kChecked);
  world.serve_at(world.two);
  world.serve_at(world.two);
  CHECK(world.proxy.ill_servers() == 1);
  std::string unchecked{kChecked};
  unchecked.erase(unchecked.find("    health_check"),
                  unchecked.find("routes:") - unchecked.find("    health_check"));
  world.proxy.reload(unchecked);
  world.proxy.wait_until("nobody says that it is ill",
                         [&] { return world.proxy.ill_servers() == 0; });
  world.serve_at(world.one);
  world.serve_at(world.two);
}

TEST_CASE("a server on a unix socket is checked, with a Host of one's choice", "[wire][health]") {
  std::string folder = "/tmp/keepsake-test-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string path = folder + "/back";
  {
    Backend backend{path};
    const bool literal = GENERATE(false, true);
    Proxy proxy{std::string{R"(
listen: [{address: "127.0.0.1:0"}]
backends:
  app: {servers: ["unix:${PATH}"], health_check: {unhealthy: 1}, host: )"} +
                    (literal ? "app.example" : "preserve") + R"(}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
)",
                {{"PATH", path}}};
    const Message request = check(backend, "500 Oh");
    CHECK(request.start_line() == "GET /healthz HTTP/1.1");
    CHECK(request.value("Host") == (literal ? "app.example" : "localhost"));
    proxy.wait_until("it is ill", [&] { return proxy.ill_servers() == 1; });
  }
  ::unlink(path.c_str());
  ::rmdir(folder.c_str());
}
