// Many requests of one visitor at once: nobody is logged out, and the only write that is lost is
// the one that SECURITY.md names.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kAtOnce = 20;

std::string config(std::string_view store, std::string_view secrets) {
  return R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /setColor, set: {color: color}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  headers: {X-Session-Name: myName, X-Session-Color: color}
  touch_interval: 10s
  store: )" +
         std::string{store} + "\n  secrets: [" + std::string{secrets} + "]\n";
}

std::string post(std::string_view path, std::string_view form, const std::string& cookie = "") {
  return "POST " + std::string{path} +
         " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
         (cookie.empty() ? "" : "Cookie: session=" + cookie + "\r\n") +
         "Content-Length: " + std::to_string(form.size()) + "\r\n\r\n" + std::string{form};
}

struct Visit {
  std::string name;
  std::string color;
  std::string cookie;
};

// `count` requests that are all at the backend at the same time.
std::vector<Visit> at_once(const Proxy& proxy, Backend& backend, const std::string& cookie,
                           std::size_t count) {
  std::vector<Link> clients, links;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(proxy.connect());
    clients.back().send("GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + cookie + "\r\n\r\n");
  }
  std::vector<Visit> visits(count);
  for (Visit& visit : visits) {
    links.push_back(backend.accept());
    const Message request = links.back().read_request();
    visit.name = request.value("X-Session-Name");
    visit.color = request.value("X-Session-Color");
  }
  for (Link& link : links) {
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  }
  for (std::size_t i = 0; i < count; ++i) {
    visits[i].cookie = clients[i].read_response().set_cookie();
  }
  return visits;
}

Visit visit(const Proxy& proxy, Backend& backend, const std::string& cookie) {
  return at_once(proxy, backend, cookie, 1).front();
}

}  // namespace

TEST_CASE("twenty requests at once across touch, rotation and re-seal log nobody out (S-26)",
          "[wire][concurrency]") {
  const std::string store = GENERATE(std::string{"cookie"}, std::string{"memory"});
  CAPTURE(store);
  Backend backend;
  Proxy proxy{config(store, "{env: SESSION_KEY}"), {{"BACKEND", backend.url()}}};
  const std::string cookie = proxy.ask(post("/setName", "name=Ada")).set_cookie();
  proxy.advance(15s);  // due for its touch
  proxy.reload(config(store, "{env: OTHER_KEY}, {env: SESSION_KEY}"));
  proxy.wait_until("the new keys are in use",
                   [&] { return visit(proxy, backend, cookie).cookie != "(absent)"; });

  const std::vector<Visit> first = at_once(proxy, backend, cookie, kAtOnce);
  for (const Visit& one : first) {
    REQUIRE(one.name == "Ada");
    REQUIRE(one.cookie != "(absent)");
  }
  // Every one of the new cookies is good, whichever the browser kept, and so is the old one.
  for (const Visit& one : first) {
    REQUIRE(visit(proxy, backend, one.cookie).name == "Ada");
  }
  for (const Visit& one : at_once(proxy, backend, cookie, kAtOnce)) {
    REQUIRE(one.name == "Ada");
  }
  // The old key may go.
  proxy.reload(config(store, "{env: OTHER_KEY}"));
  proxy.wait_until("the old key is gone",
                   [&] { return visit(proxy, backend, cookie).name == "(absent)"; });
  for (const Visit& one : at_once(proxy, backend, first.back().cookie, kAtOnce)) {
    REQUIRE(one.name == "Ada");
    REQUIRE(one.cookie == "(absent)");
  }
}

TEST_CASE("with store: cookie the last of two parallel sets wins as a whole (S-24)",
          "[wire][concurrency]") {
  Backend backend;
  Proxy proxy{config("cookie", "{env: SESSION_KEY}"), {{"BACKEND", backend.url()}}};
  const std::string start = proxy.ask(post("/setName", "name=Ada")).set_cookie();
  const std::string one = proxy.ask(post("/setName", "name=Bob", start)).set_cookie();
  const std::string two = proxy.ask(post("/setColor", "color=red", start)).set_cookie();
  const Visit first = visit(proxy, backend, one);
  CHECK(first.name == "Bob");
  CHECK(first.color == "(absent)");
  const Visit second = visit(proxy, backend, two);
  CHECK(second.name == "Ada");
  CHECK(second.color == "red");
}

TEST_CASE("with store: memory parallel sets of different keys both survive (S-24)",
          "[wire][concurrency]") {
  Backend backend;
  Proxy proxy{config("memory", "{env: SESSION_KEY}"), {{"BACKEND", backend.url()}}};
  const std::string cookie = proxy.ask(post("/setName", "name=Ada")).set_cookie();
  std::vector<Link> clients;
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    clients.push_back(proxy.connect());
    clients.back().send(i % 2 == 0 ? post("/setName", "name=Bob", cookie)
                                   : post("/setColor", "color=red", cookie));
  }
  for (Link& client : clients) {
    const Message response = client.read_response();
    CHECK(response.status() == 303);
    CHECK_FALSE(response.has("Set-Cookie"));
  }
  const Visit after = visit(proxy, backend, cookie);
  CHECK(after.name == "Bob");
  CHECK(after.color == "red");
}

TEST_CASE("a reset among twenty requests ends the session for all that come later",
          "[wire][concurrency]") {
  Backend backend;
  Proxy proxy{config("memory", "{env: SESSION_KEY}"), {{"BACKEND", backend.url()}}};
  const std::string cookie = proxy.ask(post("/setName", "name=Ada")).set_cookie();
  proxy.advance(15s);
  std::vector<Link> clients, links;
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    clients.push_back(proxy.connect());
    clients.back().send("GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + cookie + "\r\n\r\n");
    links.push_back(backend.accept());
    REQUIRE(links.back().read_request().value("X-Session-Name") == "Ada");
  }
  CHECK(proxy.ask(post("/reset", "", cookie)).status() == 303);
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    links[i].send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    REQUIRE(clients[i].read_response().status() == 200);
  }
  for (const Visit& one : at_once(proxy, backend, cookie, kAtOnce)) {
    REQUIRE(one.name == "(absent)");
    REQUIRE(one.cookie.empty());
  }
}
