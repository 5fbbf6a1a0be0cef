// Session fixation: an id that somebody else planted is worth nothing once its visitor has signed
// in. Privileged keys, X-Session-Renew and `renew: true` give the session a new id.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

std::string config(std::string_view store, std::string_view privileged) {
  return R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"], writes_session: true}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /setColor, set: {color: color}, redirect: /}
  - {path: /renew, set: {color: color}, redirect: /, renew: true}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  max_values: 3
  headers: {X-Session-Name: myName, X-Session-Color: color, X-Session-Id: {id: true}}
  store: )" +
         std::string{store} + "\n  privileged: [" + std::string{privileged} + "]\n";
}

struct World {
  explicit World(std::string_view store, std::string_view privileged = "myName")
      : proxy{config(store, privileged), {{"BACKEND", backend.url()}}} {}

  Backend backend;
  Proxy proxy;

  // What the backend sees, and what the client gets for `lines`.
  struct Seen {
    Message request;
    Message response;
    std::string name() const { return of("X-Session-Name"); }
    std::string color() const { return of("X-Session-Color"); }
    std::string id() const { return of("X-Session-Id"); }

   private:
    std::string of(std::string_view header) const {
      return request.has(header) ? request.value(header) : std::string{};
    }
  };
  Seen visit(const std::string& cookie, std::string_view lines = "") {
    Link client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n" + line_of(cookie) + "\r\n");
    Link link = backend.accept();
    Seen seen;
    seen.request = link.read_request();
    link.send("HTTP/1.1 200 OK\r\nConnection: close\r\n" + std::string{lines} +
              "Content-Length: 0\r\n\r\n");
    seen.response = client.read_response();
    return seen;
  }
  Message post(std::string_view path, const std::string& form, const std::string& cookie) const {
    return proxy.ask("POST " + std::string{path} +
                     " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
                     line_of(cookie) + "Content-Length: " + std::to_string(form.size()) +
                     "\r\n\r\n" + form);
  }
  // The cookie of a session that somebody begins and plants.
  std::string planted() const { return post("/setColor", "color=blue", "").set_cookie(); }

 private:
  static std::string line_of(const std::string& cookie) {
    return cookie.empty() ? std::string{} : "Cookie: session=" + cookie + "\r\n";
  }
};

}  // namespace

TEST_CASE("a planted session never shows what its visitor signs in with",
          "[wire][store][renewal]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  const std::string planted = world.planted();
  std::string own;
  SECTION("by a form") {
    own = world.post("/setName", "name=Ada", planted).set_cookie();
  }
  SECTION("by a backend") {
    own = world.visit(planted, "X-Session-Set: myName=Ada\r\n").response.set_cookie();
  }
  SECTION("by a backend that clears first") {
    own = world.visit(planted, "X-Session-Clear: true\r\nX-Session-Set: myName=Ada\r\n")
              .response.set_cookie();
  }
  REQUIRE_FALSE(own.empty());
  CHECK(world.visit(planted).name().empty());
  const auto seen = world.visit(own);
  CHECK(seen.name() == "Ada");
  CHECK(seen.id() != world.visit(planted).id());
  world.proxy.advance(31s);
  CHECK(world.visit(planted).name().empty());
  CHECK(world.visit(own).name() == "Ada");
}

TEST_CASE("a renewal keeps the other values and the time that the session began",
          "[wire][store][renewal]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  const std::string planted = world.planted();
  world.proxy.advance(10s);
  const std::string own = world.post("/setName", "name=Ada", planted).set_cookie();
  const auto seen = world.visit(own);
  CHECK(seen.name() == "Ada");
  CHECK(seen.color() == "blue");
}

TEST_CASE("the same value again renews nothing", "[wire][store][renewal]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  const std::string own = world.post("/setName", "name=Ada", "").set_cookie();
  const std::string id = world.visit(own).id();
  CHECK_FALSE(world.post("/setName", "name=Ada", own).has("Set-Cookie"));
  const auto seen = world.visit(own, "X-Session-Set: myName=Ada\r\n");
  CHECK_FALSE(seen.response.has("Set-Cookie"));
  CHECK(world.visit(own).id() == id);
}

TEST_CASE("X-Session-Renew and a renew route give a new id, whatever changes",
          "[wire][store][renewal]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store, ""};
  const std::string before = world.post("/setName", "name=Ada", "").set_cookie();
  const std::string id = world.visit(before).id();
  std::string after;
  SECTION("X-Session-Renew alone") {
    after = world.visit(before, "X-Session-Renew: true\r\n").response.set_cookie();
  }
  SECTION("beside a set") {
    after = world.visit(before, "X-Session-Renew: TRUE\r\nX-Session-Set: color=red\r\n")
                .response.set_cookie();
  }
  SECTION("a route") {
    after = world.post("/renew", "color=red", before).set_cookie();
  }
  REQUIRE_FALSE(after.empty());
  const auto seen = world.visit(after);
  CHECK(seen.name() == "Ada");
  CHECK(seen.id() != id);
}

TEST_CASE("there is nothing to renew for a visitor without a session", "[wire][store][renewal]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  const auto seen = world.visit("", "X-Session-Renew: true\r\n");
  CHECK_FALSE(seen.response.has("Set-Cookie"));
  CHECK_FALSE(seen.response.has("X-Session-Renew"));
}

TEST_CASE("X-Session-Renew never reaches a client, and only true asks for it",
          "[wire][store][renewal]") {
  World world{"memory"};
  const std::string cookie = world.planted();
  const auto seen = world.visit(cookie, "X_Session_Renew: true\r\nX-Session-Renew: yes\r\n");
  CHECK_FALSE(seen.response.has("X-Session-Renew"));
  CHECK_FALSE(seen.response.has("X_Session_Renew"));
  CHECK_FALSE(seen.response.has("Set-Cookie"));
}

TEST_CASE("for thirty seconds requests with the former id go on, and set no cookie",
          "[wire][store][renewal]") {
  World world{"memory"};
  const std::string planted = world.planted();
  REQUIRE(world.post("/setName", "name=Ada", planted).has("Set-Cookie"));
  world.proxy.advance(29s);
  const auto seen = world.visit(planted);
  CHECK(seen.color() == "blue");
  CHECK_FALSE(seen.response.has("Set-Cookie"));
  world.proxy.advance(2s);
  CHECK(world.visit(planted).color().empty());
}

TEST_CASE("a former id without a value left clears nobody's cookie", "[wire][store][renewal]") {
  World world{"memory"};
  const std::string before = world.post("/setName", "name=Ada", "").set_cookie();
  REQUIRE(world.post("/setName", "name=Bob", before).has("Set-Cookie"));
  const auto seen = world.visit(before);
  CHECK(seen.name().empty());
  CHECK_FALSE(seen.response.has("Set-Cookie"));
}

TEST_CASE("a write with the former id begins a session without what is privileged",
          "[wire][store][renewal]") {
  World world{"memory"};
  const std::string before = world.post("/setName", "name=Ada", "").set_cookie();
  const std::string own = world.post("/renew", "color=red", before).set_cookie();
  const Message written = world.post("/setColor", "color=green", before);
  const std::string third = written.set_cookie();
  REQUIRE_FALSE(third.empty());
  CHECK(world.visit(third).name().empty());
  CHECK(world.visit(third).color() == "green");
  CHECK(world.visit(own).name() == "Ada");
  CHECK(world.visit(own).color() == "red");
}

TEST_CASE("a reset ends the former id at once", "[wire][store][renewal]") {
  World world{"memory"};
  const std::string planted = world.planted();
  const std::string own = world.post("/setName", "name=Ada", planted).set_cookie();
  REQUIRE(world.post("/reset", "", own).status() == 303);
  CHECK(world.visit(planted).color().empty());
  CHECK(world.visit(own).name().empty());
}

TEST_CASE("what a response asks for is refused as a whole before any of it is done",
          "[wire][store][renewal]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  const std::string cookie = world.post("/setName", "name=Ada", "").set_cookie();
  for (const std::string& wish : {std::string{"X-Session-Set: a=1&b=2&c=3&d=4\r\n"},
                                  "X-Session-Set: a=" + std::string(300, 'x') + "\r\n",
                                  std::string{"X-Session-Set: a=%zz\r\n"},
                                  std::string{"X-Session-Set: a=1\r\nX-Session-Set: =2\r\n"}}) {
    INFO(wish);
    for (const char* beside : {"X-Session-Clear: true\r\n", "X-Session-Renew: true\r\n"}) {
      const auto seen = world.visit(cookie, beside + wish);
      CHECK_FALSE(seen.response.has("Set-Cookie"));
      CHECK(world.visit(cookie).name() == "Ada");
    }
  }
}

TEST_CASE("of twenty parallel requests none fails and none sees new values under the old id",
          "[wire][store][renewal]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  const std::string planted = world.planted();
  constexpr std::size_t kEach = 10;
  const std::string request =
      "GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + planted + "\r\n\r\n";
  struct Pair {
    Link client;
    Link backend;
  };
  const auto ask = [&] {
    Pair pair;
    pair.client = world.proxy.connect();
    pair.client.send(request);
    pair.backend = world.backend.accept();
    const Message seen = pair.backend.read_request();
    CHECK(seen.value("X-Session-Color") == "blue");
    CHECK_FALSE(seen.has("X-Session-Name"));
    return pair;
  };
  std::vector<Pair> pairs;
  while (pairs.size() < kEach) {
    pairs.push_back(ask());
  }
  const std::string own =
      world.visit(planted, "X-Session-Renew: true\r\nX-Session-Set: myName=Ada\r\n")
          .response.set_cookie();
  while (pairs.size() < 2 * kEach) {
    pairs.push_back(ask());
  }
  for (Pair& pair : pairs) {
    pair.backend.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    const Message response = pair.client.read_response();
    CHECK(response.status() == 200);
    CHECK_FALSE(response.has("Set-Cookie"));
  }
  CHECK(world.visit(own).name() == "Ada");
}
