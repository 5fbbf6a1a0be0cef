// With a store a long request and the messages of a WebSocket are use of the session, and a
// WebSocket ends with its session.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kConfig = R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"], writes_session: true}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /renew, set: {color: color}, redirect: /, renew: true}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  store: memory
  idle_timeout: 100s
  absolute_timeout: 1000s
  touch_interval: 10s
  headers: {X-Session-Name: myName}
timeouts: {response: 1h, idle: 1h, body: 1h, write: 1h}
)";

const std::string kMessage{"\x81\x85\0\0\0\0hello", 11};  // a client's
const std::string kPong{"\x8a\x80\0\0\0\0", 6};
const std::string kOver{"\x88\x02\x03\xf0", 4};  // a server's Close, 1008

struct World {
  Backend backend;
  Proxy proxy{kConfig, {{"BACKEND", backend.url()}}};
  std::string cookie = arrive();

  Message post(std::string_view path, const std::string& form, std::string_view with = "") const {
    return proxy.ask("POST " + std::string{path} +
                     " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
                     (with.empty() ? "" : "Cookie: session=" + std::string{with} + "\r\n") +
                     "Content-Length: " + std::to_string(form.size()) + "\r\n\r\n" + form);
  }
  std::string arrive() const { return post("/setName", "name=Ada").set_cookie(); }
  std::string get(std::string_view lines = "") const {
    return "GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + cookie + "\r\n" + std::string{lines} +
           "\r\n";
  }
  std::string name() {
    Link client = proxy.connect();
    client.send(get());
    Link link = backend.accept();
    const Message request = link.read_request();
    link.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    client.read_response();
    return request.has("X-Session-Name") ? request.value("X-Session-Name") : std::string{};
  }
  // Time goes by in steps that leave the worker time to look after what is in progress.
  void pass(std::chrono::seconds time) {
    for (; time > 0s; time -= 5s) {
      proxy.advance(5s);
    }
  }
};

struct Tunnel {
  Link client;
  Link backend;

  explicit Tunnel(World& world) : client(world.proxy.connect()) {
    client.send(
        world.get("Connection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                  "Sec-WebSocket-Version: 13\r\n"));
    backend = world.backend.accept();
    backend.read_request();
    backend.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    REQUIRE(client.read_response().status() == 101);
  }
  void say(const std::string& frame) {
    client.send(frame);
    REQUIRE(backend.read_exactly(frame.size()) == frame);
  }
};

}  // namespace

TEST_CASE("a request longer than the idle timeout is use until its response",
          "[wire][store][lifetime]") {
  World world;
  Link client = world.proxy.connect();
  client.send(world.get());
  Link link = world.backend.accept();
  link.read_request();
  world.pass(150s);
  CHECK(world.name() == "Ada");
  world.pass(150s);
  link.send(
      "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Session-Set: color=red\r\n"
      "Content-Length: 0\r\n\r\n");
  CHECK_FALSE(client.read_response().has("Set-Cookie"));
  world.pass(95s);
  CHECK(world.name() == "Ada");
}

TEST_CASE("a response that takes longer than the idle timeout is use, too",
          "[wire][store][lifetime]") {
  World world;
  Link client = world.proxy.connect();
  client.send(world.get());
  Link link = world.backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\na");
  world.pass(150s);
  link.send("b");
  CHECK(client.read_response().body == "ab");
  world.pass(95s);
  CHECK(world.name() == "Ada");
}

TEST_CASE("a long request does not keep a session past a reset or its absolute timeout",
          "[wire][store][lifetime]") {
  World world;
  Link client = world.proxy.connect();
  client.send(world.get());
  Link link = world.backend.accept();
  link.read_request();
  SECTION("a reset") {
    REQUIRE(world.post("/reset", "", world.cookie).status() == 303);
    world.pass(60s);
  }
  SECTION("the absolute timeout") {
    world.pass(1005s);
  }
  link.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  client.read_response();
  CHECK(world.name().empty());
}

TEST_CASE("messages of a WebSocket are use of the session",
          "[wire][store][lifetime][upgrade][http1]") {
  World world;
  Tunnel tunnel{world};
  for (int i = 0; i < 5; ++i) {
    world.pass(60s);
    tunnel.say(kMessage);
  }
  world.pass(20s);
  CHECK(world.name() == "Ada");
}

TEST_CASE("a WebSocket without messages of the client ends with its session",
          "[wire][store][lifetime][upgrade][http1]") {
  World world;
  Tunnel tunnel{world};
  for (int i = 0; i < 3; ++i) {
    world.pass(20s);
    tunnel.say(kPong);  // which a browser sends by itself
    tunnel.backend.send("\x81\x02hi");
    REQUIRE(tunnel.client.read_exactly(4) == "\x81\x02hi");
  }
  world.pass(70s);
  CHECK(tunnel.client.read_exactly(4) == kOver);
  CHECK(world.name().empty());
}

TEST_CASE("a WebSocket is closed within thirty seconds of the end of its session",
          "[wire][store][upgrade][http1]") {
  World world;
  Tunnel tunnel{world};
  world.pass(20s);
  REQUIRE(world.post("/reset", "", world.cookie).status() == 303);
  world.pass(20s);
  CHECK(tunnel.client.read_exactly(4) == kOver);
  const std::string frame = tunnel.backend.read_exactly(8);
  CHECK((frame[6] ^ frame[2]) == '\x03');
  CHECK((frame[7] ^ frame[3]) == '\xf0');
}

TEST_CASE("a WebSocket outlives a renewal of its session, and ends with the new one",
          "[wire][store][upgrade][renewal][http1]") {
  World world;
  Tunnel tunnel{world};
  world.cookie = world.post("/renew", "color=red", world.cookie).set_cookie();
  world.pass(60s);
  CHECK_FALSE(tunnel.client.readable(0ms));
  tunnel.say(kMessage);
  world.pass(90s);
  CHECK(world.name() == "Ada");
  REQUIRE(world.post("/reset", "", world.cookie).status() == 303);
  world.pass(20s);
  CHECK(tunnel.client.read_exactly(4) == kOver);
}
