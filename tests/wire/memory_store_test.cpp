// store: memory on the wire: the cookie holds an id, and what ends a session ends it for every copy
// of the cookie.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kMemory = R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"], writes_session: true}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /setColor, set: {color: color}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  store: memory
  idle_timeout: 100s
  absolute_timeout: 1000s
  headers: {X-Session-Name: myName, X-Session-Color: color}
)";

struct World {
  Backend backend;
  Proxy proxy{kMemory, {{"BACKEND", backend.url()}}};

  Message post(std::string_view path, std::string_view form, std::string_view cookie = "") const {
    std::string request =
        "POST " + std::string{path} +
        " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    if (!cookie.empty()) {
      request += "Cookie: session=" + std::string{cookie} + "\r\n";
    }
    return proxy.ask(request + "Content-Length: " + std::to_string(form.size()) + "\r\n\r\n" +
                     std::string{form});
  }
  std::string arrive(const std::string& name) const {
    return post("/setName", "name=" + name).set_cookie();
  }
  static std::string get(std::string_view cookie) {
    return "GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + std::string{cookie} + "\r\n\r\n";
  }

  // What the backend sees, and what the client gets for `answer`.
  struct Seen {
    Message request;
    Message response;
  };
  Seen visit(std::string_view cookie, std::string_view lines = "") {
    Link client = proxy.connect();
    client.send(get(cookie));
    Link link = backend.accept();
    Seen seen;
    seen.request = link.read_request();
    link.send("HTTP/1.1 200 OK\r\nConnection: close\r\n" + std::string{lines} +
              "Content-Length: 0\r\n\r\n");
    seen.response = client.read_response();
    return seen;
  }
  std::string name(std::string_view cookie) {
    return visit(cookie).request.value("X-Session-Name");
  }
};

}  // namespace

TEST_CASE("with a store the cookie says nothing and stays the same", "[wire][store]") {
  World world;
  const std::string cookie = world.arrive("Ada");
  CHECK(cookie.size() == world.arrive(std::string(200, 'x')).size());
  CHECK(world.name(cookie) == "Ada");
  const Message again = world.post("/setName", "name=Bob", cookie);
  CHECK(again.status() == 303);
  CHECK_FALSE(again.has("Set-Cookie"));
  CHECK_FALSE(world.post("/setColor", "color=red", cookie).has("Set-Cookie"));
  const auto seen = world.visit(cookie);
  CHECK(seen.request.value("X-Session-Name") == "Bob");
  CHECK(seen.request.value("X-Session-Color") == "red");
  CHECK_FALSE(seen.response.has("Set-Cookie"));
}

TEST_CASE("after a reset no copy of the cookie is worth anything", "[wire][store]") {
  World world;
  const std::string cookie = world.arrive("Ada");
  CHECK(world.post("/reset", "", cookie).status() == 303);
  const auto seen = world.visit(cookie);
  CHECK_FALSE(seen.request.has("X-Session-Name"));
  CHECK(seen.response.value("Set-Cookie").starts_with("session=; Max-Age=0"));
  SECTION("a new name is a new session") {
    const std::string fresh = world.post("/setName", "name=Bob", cookie).set_cookie();
    CHECK(fresh != cookie);
    CHECK(world.name(fresh) == "Bob");
    CHECK(world.name(cookie) == "(absent)");
  }
}

TEST_CASE("a reset during a slow write by the backend stays a reset", "[wire][store]") {
  World world;
  const std::string cookie = world.arrive("Ada");
  Link client = world.proxy.connect();
  client.send(World::get(cookie));
  Link link = world.backend.accept();
  CHECK(link.read_request().value("X-Session-Name") == "Ada");
  CHECK(world.post("/reset", "", cookie).status() == 303);
  link.send("HTTP/1.1 200 OK\r\nX-Session-Set: color=red\r\nContent-Length: 2\r\n\r\nok");
  link.close();
  const Message late = client.read_response();
  CHECK(late.body == "ok");
  CHECK_FALSE(late.has("Set-Cookie"));  // the browser may have another session's by now
  const auto seen = world.visit(cookie);
  CHECK_FALSE(seen.request.has("X-Session-Name"));
  CHECK_FALSE(seen.request.has("X-Session-Color"));
}

TEST_CASE("a slow clear by the backend leaves the cookie of a session that came meanwhile",
          "[wire][store]") {
  World world;
  const std::string cookie = world.arrive("Ada");
  Link client = world.proxy.connect();
  client.send(World::get(cookie));
  Link link = world.backend.accept();
  CHECK(link.read_request().value("X-Session-Name") == "Ada");
  const bool ended = GENERATE(true, false);
  CAPTURE(ended);
  if (ended) {
    CHECK(world.post("/reset", "", cookie).status() == 303);
  }
  const std::string other = world.arrive("Bob");
  link.send("HTTP/1.1 200 OK\r\nX-Session-Clear: true\r\nContent-Length: 2\r\n\r\nok");
  link.close();
  CHECK(client.read_response().has("Set-Cookie") == !ended);
  CHECK(world.name(cookie) == "(absent)");
  CHECK(world.name(other) == "Bob");
}

TEST_CASE("a backend's write and a visitor's of another key both survive", "[wire][store]") {
  World world;
  const std::string cookie = world.arrive("Ada");
  Link client = world.proxy.connect();
  client.send(World::get(cookie));
  Link link = world.backend.accept();
  link.read_request();
  CHECK(world.post("/setName", "name=Bob", cookie).status() == 303);
  link.send("HTTP/1.1 200 OK\r\nX-Session-Set: color=red\r\nContent-Length: 2\r\n\r\nok");
  link.close();
  CHECK_FALSE(client.read_response().has("Set-Cookie"));
  const auto seen = world.visit(cookie);
  CHECK(seen.request.value("X-Session-Name") == "Bob");
  CHECK(seen.request.value("X-Session-Color") == "red");
}

TEST_CASE("a stored session ends with its idle timeout", "[wire][store][lifetime]") {
  World world;
  const std::string cookie = world.arrive("Ada");
  world.proxy.advance(100s);
  CHECK(world.name(cookie) == "Ada");
  world.proxy.advance(100s);
  CHECK(world.name(cookie) == "Ada");
  world.proxy.advance(101s);
  const auto seen = world.visit(cookie);
  CHECK_FALSE(seen.request.has("X-Session-Name"));
  CHECK(seen.response.value("Set-Cookie").starts_with("session=; Max-Age=0"));
}

TEST_CASE("no visit keeps a stored session past its absolute timeout", "[wire][store][lifetime]") {
  World world;
  const std::string cookie = world.arrive("Ada");
  for (int i = 0; i < 20; ++i) {
    world.proxy.advance(50s);
    REQUIRE(world.name(cookie) == "Ada");
  }
  world.proxy.advance(1s);
  CHECK(world.name(cookie) == "(absent)");
}

TEST_CASE("sessions in memory outlive a reload", "[wire][store]") {
  World world;
  const std::string cookie = world.arrive("Ada");
  world.proxy.reload(std::string{kMemory} + "  max_values: 3\n");
  CHECK(world.name(cookie) == "Ada");
}

TEST_CASE("a visitor without a cookie costs the store nothing", "[wire][store]") {
  World world;
  const std::string cookie = world.arrive("Ada");
  world.name("");
  world.name("nonsense");
  CHECK(world.proxy.count(Counter::StoreReads) == 0);
  world.name(cookie);
  CHECK(world.proxy.count(Counter::StoreReads) == 1);
  CHECK(world.proxy.count(Counter::StoreWrites) == 1);
}
