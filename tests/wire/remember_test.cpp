// "Remember me": a session whose cookie the browser keeps for a time of its own, and which may idle
// as long. A box of a form asks for it (remember), or a backend (X-Session-Lifetime).

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

std::string config(std::string_view store, std::string_view cookie) {
  return R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"], writes_session: true}}
routes:
  - {path: /login, set: {myName: name}, redirect: /, remember: {field: stay, lifetime: 1000s}}
  - {path: /setColor, set: {color: color}, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  idle_timeout: 100s
  absolute_timeout: 5000s
  max_value: 64B
  headers: {X-Session-Name: myName, X-Session-Color: color}
  cookie: {lifetime: )" +
         std::string{cookie} + "}\n  store: " + std::string{store} + "\n";
}

struct World {
  explicit World(std::string_view store, std::string_view cookie = "browser")
      : proxy{config(store, cookie), {{"BACKEND", backend.url()}}} {}

  Backend backend;
  Proxy proxy;

  struct Seen {
    std::string name;
    Message response;
  };
  Seen visit(const std::string& cookie, std::string_view lines = "") {
    Link client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + cookie + "\r\n\r\n");
    Link link = backend.accept();
    Seen seen;
    const Message request = link.read_request();
    seen.name = request.has("X-Session-Name") ? request.value("X-Session-Name") : "";
    link.send("HTTP/1.1 200 OK\r\nConnection: close\r\n" + std::string{lines} +
              "Content-Length: 0\r\n\r\n");
    seen.response = client.read_response();
    return seen;
  }
  Message post(std::string_view path, const std::string& form,
               const std::string& cookie = "") const {
    return proxy.ask("POST " + std::string{path} +
                     " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
                     (cookie.empty() ? "" : "Cookie: session=" + cookie + "\r\n") +
                     "Content-Length: " + std::to_string(form.size()) + "\r\n\r\n" + form);
  }
};

// What a Set-Cookie line says of its age; "" for a cookie until the browser closes.
std::string max_age(const Message& message) {
  const std::string line = message.value("Set-Cookie");
  const std::size_t at = line.find("Max-Age=");
  return at == std::string::npos ? "" : line.substr(at + 8, line.find(';', at) - at - 8);
}

}  // namespace

TEST_CASE("a form with its box checked begins a session that lasts, and without it does not",
          "[wire][store][remember]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  const Message stays = world.post("/login", "name=Ada&stay=on");
  CHECK(max_age(stays) == "1000");
  for (const char* form : {"name=Ada", "name=Ada&stay=", "name=Ada&stay=0", "name=Ada&stay=False",
                           "name=Ada&stay=off", "name=Ada&stay=0&stay=1"}) {
    INFO(form);
    CHECK(max_age(world.post("/login", form)).empty());
  }
  const Message goes = world.post("/login", "name=Bob");
  world.proxy.advance(101s);
  CHECK(world.visit(goes.set_cookie()).name.empty());
  const auto seen = world.visit(stays.set_cookie());
  CHECK(seen.name == "Ada");
  CHECK(max_age(seen.response) == "1000");  // the touch
  world.proxy.advance(1001s);
  CHECK(world.visit(seen.response.set_cookie()).name.empty());
}

TEST_CASE("a remembered session in use lasts until the absolute timeout",
          "[wire][store][remember]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  std::string cookie = world.post("/login", "name=Ada&stay=1").set_cookie();
  for (int i = 0; i < 5; ++i) {
    world.proxy.advance(900s);
    const auto seen = world.visit(cookie);
    CHECK(seen.name == "Ada");
    REQUIRE(max_age(seen.response) == "1000");
    cookie = seen.response.set_cookie();
  }
  world.proxy.advance(501s);
  CHECK(world.visit(cookie).name.empty());
}

TEST_CASE("the box of a later form decides anew", "[wire][store][remember]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  const std::string stays = world.post("/login", "name=Ada&stay=1").set_cookie();
  CHECK_FALSE(world.post("/login", "name=Ada&stay=1", stays).has("Set-Cookie"));
  const Message goes = world.post("/login", "name=Ada", stays);
  REQUIRE(goes.has("Set-Cookie"));
  CHECK(max_age(goes).empty());
  world.proxy.advance(101s);
  CHECK(world.visit(goes.set_cookie()).name.empty());
}

TEST_CASE("a box is judged like every field, and with a refused form changes nothing",
          "[wire][remember]") {
  World world{"cookie"};
  CHECK(world.post("/login", "name=Ada&stay=%zz").status() == 400);
  CHECK(world.post("/login", "name=Ada&stay=%ff").status() == 400);
  CHECK(world.post("/login", "stay=1").status() == 400);
  CHECK(world.post("/login", "name=" + std::string(65, 'x') + "&stay=1").status() == 413);
  CHECK_FALSE(world.post("/login", "name=&stay=1").has("Set-Cookie"));
}

TEST_CASE("another write keeps the lifetime of a session", "[wire][store][remember]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  const std::string stays = world.post("/login", "name=Ada&stay=1").set_cookie();
  const Message colored = world.post("/setColor", "color=red", stays);
  CHECK(colored.status() == 303);
  if (store == "cookie") {
    CHECK(max_age(colored) == "1000");
  }
  const std::string now = colored.has("Set-Cookie") ? colored.set_cookie() : stays;
  world.proxy.advance(500s);
  CHECK(world.visit(now).name == "Ada");
}

TEST_CASE("a backend gives a session its lifetime, and takes it back", "[wire][store][remember]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  const std::string before = world.post("/login", "name=Ada").set_cookie();
  const auto given = world.visit(before, "X-Session-Lifetime: 20m\r\n");
  CHECK_FALSE(given.response.has("X-Session-Lifetime"));
  REQUIRE(max_age(given.response) == "1200");
  const std::string stays = given.response.set_cookie();
  CHECK_FALSE(world.visit(stays, "X-Session-Lifetime: 1200s\r\n").response.has("Set-Cookie"));
  world.proxy.advance(1100s);
  const auto seen = world.visit(stays);
  CHECK(seen.name == "Ada");
  const auto taken = world.visit(seen.response.set_cookie(), "X-Session-Lifetime: Browser\r\n");
  REQUIRE(taken.response.has("Set-Cookie"));
  CHECK(max_age(taken.response).empty());
  world.proxy.advance(101s);
  CHECK(world.visit(taken.response.set_cookie()).name.empty());
}

TEST_CASE("a lifetime beside a set, a renewal and a clear is that of the session afterwards",
          "[wire][store][remember]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  const std::string before = world.post("/login", "name=Ada").set_cookie();
  std::string lines;
  SECTION("set") {
    lines = "X-Session-Set: myName=Bob\r\n";
  }
  SECTION("renew") {
    lines = "X-Session-Renew: true\r\nX-Session-Set: myName=Bob\r\n";
  }
  SECTION("clear and set") {
    lines = "X-Session-Clear: true\r\nX-Session-Set: myName=Bob\r\n";
  }
  const auto seen = world.visit(before, lines + "X-Session-Lifetime: 600s\r\n");
  CHECK(max_age(seen.response) == "600");
  const std::string cookie = seen.response.has("Set-Cookie") ? seen.response.set_cookie() : before;
  world.proxy.advance(550s);
  CHECK(world.visit(cookie).name == "Bob");
}

TEST_CASE("a renewal keeps the lifetime", "[wire][store][remember]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  const std::string stays = world.post("/login", "name=Ada&stay=1").set_cookie();
  const auto renewed = world.visit(stays, "X-Session-Renew: true\r\n");
  REQUIRE(max_age(renewed.response) == "1000");
  world.proxy.advance(900s);
  CHECK(world.visit(renewed.response.set_cookie()).name == "Ada");
}

TEST_CASE("browser makes a cookie until the browser closes where others are kept",
          "[wire][store][remember]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store, "700s"};
  const Message kept = world.post("/login", "name=Ada");
  CHECK(max_age(kept) == "700");
  const auto seen = world.visit(kept.set_cookie(), "X-Session-Lifetime: browser\r\n");
  REQUIRE(seen.response.has("Set-Cookie"));
  CHECK(max_age(seen.response).empty());
  const std::string cookie = seen.response.set_cookie();
  world.proxy.advance(99s);
  const auto touched = world.visit(cookie);
  CHECK(touched.name == "Ada");
  if (touched.response.has("Set-Cookie")) {
    CHECK(max_age(touched.response).empty());
  }
}

TEST_CASE("a lifetime that cannot be is refused, with all else that the response asks for",
          "[wire][store][remember]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  const std::string before = world.post("/login", "name=Ada").set_cookie();
  for (const char* wrong :
       {"", "0s", "5001s", "500d", "30", "1500ms", "-1s", "forever", "true", "10s, 10s",
        "99999999999d", "10s\r\nX-Session-Lifetime: browser", "10s\r\nX-Session-Lifetime: 20s"}) {
    INFO(wrong);
    const auto seen = world.visit(
        before, "X-Session-Set: myName=Eve\r\nX-Session-Lifetime: " + std::string{wrong} + "\r\n");
    CHECK_FALSE(seen.response.has("Set-Cookie"));
    CHECK_FALSE(seen.response.has("X-Session-Lifetime"));
  }
  CHECK(world.visit(before).name == "Ada");
  CHECK(world.proxy.count(Counter::RefusedWrites) == 13);
  CHECK(world.proxy.log().find("X-Session-Lifetime") != std::string::npos);
}

TEST_CASE("a visitor without a session gets none from a lifetime alone",
          "[wire][store][remember]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{store};
  const auto seen = world.visit("", "X-Session-Lifetime: 600s\r\n");
  CHECK_FALSE(seen.response.has("Set-Cookie"));
}
