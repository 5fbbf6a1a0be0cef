// session.index: the sessions of one person are found and ended by a value that they have.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kIndexed = R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"], writes_session: true}}
routes:
  - {path: /setColor, set: {color: color}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  store: memory
  index: user
  max_values: 3
  idle_timeout: 100s
  headers: {X-Session-User: user, X-Session-Color: color}
)";

struct World {
  explicit World(std::string_view yaml = kIndexed) : proxy{yaml, {{"BACKEND", backend.url()}}} {}

  Backend backend;
  Proxy proxy;

  struct Seen {
    std::string user;
    std::string color;
    Message response;
  };
  Seen visit(const std::string& cookie, std::string_view lines = "") {
    Link client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n" +
                (cookie.empty() ? "" : "Cookie: session=" + cookie + "\r\n") + "\r\n");
    Link link = backend.accept();
    const Message request = link.read_request();
    Seen seen;
    seen.user = request.has("X-Session-User") ? request.value("X-Session-User") : "";
    seen.color = request.has("X-Session-Color") ? request.value("X-Session-Color") : "";
    link.send("HTTP/1.1 200 OK\r\nConnection: close\r\n" + std::string{lines} +
              "Content-Length: 0\r\n\r\n");
    seen.response = client.read_response();
    return seen;
  }
  std::string sign_in(const std::string& user, const std::string& cookie = "") {
    return visit(cookie, "X-Session-Set: user=" + user + "\r\n").response.set_cookie();
  }
};

}  // namespace

TEST_CASE("others ends the other sessions of the same person, and all ends every one",
          "[wire][store][index]") {
  World world;
  const std::string phone = world.sign_in("ada");
  const std::string laptop = world.sign_in("ada");
  const std::string tablet = world.sign_in("ada");
  const std::string other = world.sign_in("bob");

  const auto asked = world.visit(laptop, "X-Session-Clear: Others\r\n");
  CHECK_FALSE(asked.response.has("Set-Cookie"));
  CHECK_FALSE(asked.response.has("X-Session-Clear"));
  CHECK(world.visit(laptop).user == "ada");
  CHECK(world.visit(phone).user.empty());
  CHECK(world.visit(tablet).user.empty());
  CHECK(world.visit(other).user == "bob");

  const std::string again = world.sign_in("ada");
  const auto ended = world.visit(again, "X-Session-Clear: all\r\n");
  CHECK(ended.response.set_cookie().empty());
  CHECK(world.visit(laptop).user.empty());
  CHECK(world.visit(again).user.empty());
  CHECK(world.visit(other).user == "bob");
}

TEST_CASE("the value before the response decides whose sessions end", "[wire][store][index]") {
  World world;
  const std::string first = world.sign_in("ada");
  const std::string second = world.sign_in("ada");
  const std::string bob = world.sign_in("bob");
  const auto seen = world.visit(second, "X-Session-Set: user=bob\r\nX-Session-Clear: others\r\n");
  const std::string now = seen.response.set_cookie();
  CHECK(world.visit(now).user == "bob");
  CHECK(world.visit(first).user.empty());
  CHECK(world.visit(bob).user == "bob");
}

TEST_CASE("others beside a renewal keeps the renewed session, and all beside a set begins anew",
          "[wire][store][index]") {
  World world;
  const std::string first = world.sign_in("ada");
  const std::string second = world.sign_in("ada");
  const auto renewed =
      world.visit(second, "X-Session-Renew: true\r\nX-Session-Clear: others\r\n").response;
  CHECK(world.visit(renewed.set_cookie()).user == "ada");
  CHECK(world.visit(first).user.empty());
  const auto anew =
      world.visit(renewed.set_cookie(), "X-Session-Set: user=ada\r\nX-Session-Clear: all\r\n")
          .response;
  CHECK(world.visit(anew.set_cookie()).user == "ada");
  CHECK(world.visit(renewed.set_cookie()).user.empty());
}

TEST_CASE("a request under the former id keeps its session when it ends the others",
          "[wire][store][index]") {
  World world;
  const std::string before = world.sign_in("ada");
  const std::string other = world.sign_in("ada");
  const std::string now = world.visit(before, "X-Session-Renew: true\r\n").response.set_cookie();
  world.visit(before, "X-Session-Clear: others\r\n");
  CHECK(world.visit(other).user.empty());
  CHECK(world.visit(now).user == "ada");
}

TEST_CASE("a sign-in gives the session a new id without session.privileged",
          "[wire][store][index]") {
  World world;
  const std::string planted = world.visit("", "X-Session-Set: color=red\r\n").response.set_cookie();
  const std::string own = world.sign_in("ada", planted);
  REQUIRE(own != "(absent)");
  CHECK(world.visit(planted).user.empty());
  CHECK(world.visit(own).color == "red");
}

TEST_CASE("who has no value ends nobody's session", "[wire][store][index]") {
  World world;
  const std::string ada = world.sign_in("ada");
  const std::string nobody = world.visit("", "X-Session-Set: color=red\r\n").response.set_cookie();
  world.visit("", "X-Session-Clear: all\r\n");
  const auto seen = world.visit(nobody, "X-Session-Clear: all\r\n");
  CHECK(seen.response.has("Set-Cookie"));
  CHECK(world.visit(nobody).color.empty());
  CHECK(world.visit(ada).user == "ada");
}

TEST_CASE("what a refused response asks for ends no session", "[wire][store][index]") {
  World world;
  const std::string first = world.sign_in("ada");
  const std::string second = world.sign_in("ada");
  for (const char* scope : {"others", "all"}) {
    INFO(scope);
    const auto seen = world.visit(second, "X-Session-Set: a=1&b=2&c=3&d=4\r\nX-Session-Clear: " +
                                              std::string{scope} + "\r\n");
    CHECK_FALSE(seen.response.has("Set-Cookie"));
    CHECK(world.visit(first).user == "ada");
    CHECK(world.visit(second).user == "ada");
  }
}

TEST_CASE("without session.index a wish for others is refused as a whole", "[wire][store][index]") {
  std::string yaml{kIndexed};
  SECTION("memory") {
    yaml.erase(yaml.find("  index: user\n"), 14);
  }
  SECTION("cookie") {
    yaml.erase(yaml.find("  index: user\n"), 14);
    yaml.replace(yaml.find("store: memory"), 13, "store: cookie");
  }
  World world{yaml};
  const std::string ada = world.sign_in("ada");
  const auto seen = world.visit(ada, "X-Session-Set: color=red\r\nX-Session-Clear: all\r\n");
  CHECK_FALSE(seen.response.has("Set-Cookie"));
  CHECK(world.visit(ada).user == "ada");
  CHECK(world.visit(ada).color.empty());
  CHECK(world.proxy.count(Counter::RefusedWrites) == 1);
}

TEST_CASE("an index that a reload brings knows the sessions from before", "[wire][store][index]") {
  std::string yaml{kIndexed};
  yaml.erase(yaml.find("  index: user\n"), 14);
  World world{yaml};
  const std::string first = world.sign_in("ada");
  const std::string second = world.sign_in("ada");
  world.proxy.reload(kIndexed);
  world.visit(second, "X-Session-Clear: others\r\n");
  CHECK(world.visit(first).user.empty());
  CHECK(world.visit(second).user == "ada");
}

TEST_CASE("the WebSocket of a session that ended elsewhere is closed with 1008 within 30 seconds",
          "[wire][store][index][upgrade]") {
  World world;
  const std::string phone = world.sign_in("ada");
  const std::string laptop = world.sign_in("ada");
  Link client = world.proxy.connect();
  client.send(
      "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: "
      "session=" +
      phone +
      "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  Link backend = world.backend.accept();
  backend.read_request();
  backend.send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  REQUIRE(client.read_response().status() == 101);
  Link asking = world.proxy.connect();
  asking.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + laptop + "\r\n\r\n");
  Link link = world.backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nX-Session-Clear: others\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(asking.read_response().status() == 200);
  const auto waited =
      world.proxy.advance_until(1s, [&] { return client.readable(std::chrono::milliseconds{20}); });
  CHECK(waited <= 30s);
  CHECK(client.read_exactly(4) == std::string("\x88\x02\x03\xf0", 4));
}
