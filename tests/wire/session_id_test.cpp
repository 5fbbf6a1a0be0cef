// The session id as a backend sees it ({id: true}): how long it stays, when another one begins, and
// what the old one is worth afterwards.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

std::string config(std::string_view store) {
  return R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"], writes_session: true}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  touch_interval: 10s
  headers: {X-Session-Name: myName, X-Session-Id: {id: true}}
  store: )" +
         std::string{store} + "\n";
}

// A browser with one cookie, and the backend that it talks to.
struct World {
  explicit World(std::string_view store) : proxy{config(store), {{"BACKEND", backend.url()}}} {}

  Backend backend;
  Proxy proxy;
  std::string cookie;
  std::string id;
  std::string name;

  // What the backend sees of whoever has the cookie; `lines` are in its answer.
  void visit(std::string_view lines = "") {
    Link client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n" + cookie_line() + "\r\n");
    Link link = backend.accept();
    const Message request = link.read_request();
    id = request.value("X-Session-Id");
    name = request.value("X-Session-Name");
    link.send("HTTP/1.1 200 OK\r\nConnection: close\r\n" + std::string{lines} +
              "Content-Length: 0\r\n\r\n");
    keep(client.read_response());
  }
  std::string visited_id() {
    visit();
    return id;
  }
  void post(std::string_view path, const std::string& form) {
    keep(proxy.ask("POST " + std::string{path} +
                   " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
                   cookie_line() + "Content-Length: " + std::to_string(form.size()) + "\r\n\r\n" +
                   form));
  }
  std::string arrive() {
    post("/setName", "name=Ada");
    return visited_id();
  }

 private:
  std::string cookie_line() const {
    return cookie.empty() ? "" : "Cookie: session=" + cookie + "\r\n";
  }
  void keep(const Message& response) {
    if (response.has("Set-Cookie")) {
      cookie = response.set_cookie();  // empty when it is cleared
    }
  }
};

}  // namespace

TEST_CASE("a session id stays through changes and visits and tells two visitors apart",
          "[wire][session][id]") {
  const std::string store = GENERATE(std::string{"cookie"}, std::string{"memory"});
  CAPTURE(store);
  World world{store};
  CHECK(world.visited_id() == "(absent)");
  const std::string id = world.arrive();
  CHECK(id.size() == 64);
  world.post("/setName", "name=Bob");
  CHECK(world.visited_id() == id);
  CHECK(world.name == "Bob");
  world.proxy.advance(std::chrono::seconds{11});
  world.visit("X-Session-Set: more=1\r\n");
  CHECK(world.visited_id() == id);
  world.cookie.clear();
  CHECK(world.arrive() != id);
}

TEST_CASE("a session that begins after another one's end has an id of its own",
          "[wire][session][id]") {
  const std::string store = GENERATE(std::string{"cookie"}, std::string{"memory"});
  const std::string end = GENERATE(std::string{"a reset"}, std::string{"its last value"},
                                   std::string{"the backend"}, std::string{"the backend, set too"});
  CAPTURE(store, end);
  World world{store};
  const std::string id = world.arrive();
  const std::string old_cookie = world.cookie;
  if (end == "a reset") {
    world.post("/reset", "");
  } else if (end == "its last value") {
    world.post("/setName", "name=");
  } else if (end == "the backend") {
    world.visit("X-Session-Clear: true\r\n");
  } else {
    world.visit("X-Session-Clear: true\r\nX-Session-Set: myName=Ada\r\n");
  }
  if (end == "the backend, set too") {
    CHECK(world.cookie != old_cookie);
  } else {
    CHECK(world.cookie.empty());
    CHECK(world.visited_id() == "(absent)");
    world.post("/setName", "name=Ada");
  }
  const std::string next = world.visited_id();
  CHECK(next.size() == 64);
  CHECK(next != id);
  CHECK(world.name == "Ada");

  const std::string next_cookie = world.cookie;
  world.cookie = old_cookie;
  if (store == "memory") {  // whoever has kept a copy of the old cookie has nothing
    CHECK(world.visited_id() == "(absent)");
    world.cookie = old_cookie;
    world.post("/setName", "name=Eve");
    const std::string another = world.visited_id();
    CHECK(another.size() == 64);
    CHECK(another != id);
    CHECK(another != next);
  } else {  // the documented price of keeping nothing: it is still the session that it was
    CHECK(world.visited_id() == id);
    CHECK(world.cookie == old_cookie);
  }
  world.cookie = next_cookie;
  CHECK(world.visited_id() == next);
}
