// Several cookies with the session's name in one request, as browsers send them after path or
// domain of the cookie changed, or when another host may set one: which of them counts, and what
// the response says of them.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kEnd = "=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";

std::string config(std::string_view session, std::string_view backend = "") {
  return R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"])" +
         std::string{backend} + R"(}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /setColor, set: {color: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/plain/*", backend: app, session: false}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  idle_timeout: 100s
  touch_interval: 10s
  headers: {X-Session-Name: myName, X-Session-Color: color}
  )" + std::string{session} +
         "\n";
}

struct World {
  explicit World(std::string_view session, std::string_view more = "")
      : proxy{config(session, more), {{"BACKEND", backend.url()}}} {}

  // `cookie` is the whole value of the Cookie line, or empty.
  static std::string lines(const std::string& cookie, const std::string& host) {
    return " HTTP/1.1\r\nHost: " + host + "\r\n" +
           (cookie.empty() ? "" : "Cookie: " + cookie + "\r\n");
  }
  Message post(const std::string& path, const std::string& form, const std::string& cookie = "",
               const std::string& host = "a") const {
    return proxy.ask("POST " + path + lines(cookie, host) +
                     "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
                     std::to_string(form.size()) + "\r\n\r\n" + form);
  }
  // The pair as a browser sends it.
  std::string arrive(const std::string& name) const {
    return "session=" + post("/setName", "name=" + name).set_cookie();
  }

  struct Seen {
    Message request;
    Message response;
    std::string name() const { return request.value("X-Session-Name"); }
  };
  // `meanwhile` happens while the backend works on its answer.
  Seen visit(const std::string& cookie, const std::function<void()>& meanwhile = {},
             const std::string& answer = "", const std::string& target = "/") {
    Link client = proxy.connect();
    client.send("GET " + target + lines(cookie, "a"));
    client.send("\r\n");
    Link link = backend.accept();
    Seen seen;
    seen.request = link.read_request();
    if (meanwhile) {
      meanwhile();
    }
    link.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=9\r\n" + answer +
              "Connection: close\r\nContent-Length: 0\r\n\r\n");
    seen.response = client.read_response();
    return seen;
  }

  Backend backend;
  Proxy proxy;
};

std::size_t times(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

}  // namespace

TEST_CASE("a live session is found behind a cookie that is over, whatever their order",
          "[wire][session][cookies]") {
  const std::string store = GENERATE(std::string{"cookie"}, std::string{"memory"});
  CAPTURE(store);
  World world{"store: " + store};
  const std::string over = world.arrive("Old");
  if (store == "memory") {
    world.post("/reset", "", over);
  } else {
    world.proxy.advance(101s);
  }
  const std::string live = world.arrive("Ada");
  for (const std::string& both : {over + "; " + live, live + "; " + over}) {
    const World::Seen seen = world.visit(both);
    CHECK(seen.name() == "Ada");
    CHECK_FALSE(seen.response.has("Set-Cookie"));
    CHECK(seen.response.value("Cache-Control") == "max-age=9");
    // A set keeps the live session's values.
    const Message set = world.post("/setColor", "name=red", both);
    const std::string now = set.set_cookie() == "(absent)" ? live : "session=" + set.set_cookie();
    CHECK(world.visit(now).name() == "Ada");
    CHECK(world.visit(now).request.value("X-Session-Color") == "red");
  }
  CHECK(world.visit(over).response.value("Set-Cookie").starts_with("session" + std::string{kEnd}));
}

TEST_CASE("of two live sessions the one with the newest cookie counts, of equals the first",
          "[wire][session][cookies]") {
  const std::string store = GENERATE(std::string{"cookie"}, std::string{"memory"});
  CAPTURE(store);
  World world{"store: " + store};
  const std::string first = world.arrive("Ada");
  const std::string second = world.arrive("Bob");
  CHECK(world.visit(first + "; " + second).name() == "Ada");
  CHECK(world.visit(second + "; " + first).name() == "Bob");
  world.proxy.advance(1s);
  const std::string newest = world.arrive("Eve");
  CHECK(world.visit(first + "; " + newest + "; " + second).name() == "Eve");
  const Message set = world.post("/setColor", "name=red", first + "; " + newest);
  const std::string now = set.set_cookie() == "(absent)" ? newest : "session=" + set.set_cookie();
  CHECK(world.visit(now).name() == "Eve");
  CHECK(world.visit(first).request.value("X-Session-Color") == "(absent)");
}

TEST_CASE("with the cookies of two live sessions neither is touched, and the log says why",
          "[wire][session][cookies]") {
  const std::string store = GENERATE(std::string{"cookie"}, std::string{"memory"});
  CAPTURE(store);
  World world{"store: " + store + "\n  cookie: {lifetime: 50s}"};
  const std::string first = world.arrive("Ada");
  const std::string second = world.arrive("Bob");
  world.proxy.advance(20s);
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(world.visit(first + "; " + second).response.has("Set-Cookie"));
  }
  CHECK(world.proxy.count(Counter::RivalCookies) == 3);
  CHECK(times(world.proxy.log(), "several live sessions") == 1);
  CHECK(world.proxy.log().find("__Host-") != std::string::npos);
  // Alone, or twice the same, it is touched.
  CHECK(world.visit(second + "; " + second).response.has("Set-Cookie"));
  CHECK(world.proxy.count(Counter::RivalCookies) == 3);
}

TEST_CASE("a clear ends every live session whose cookie came", "[wire][session][cookies]") {
  World world{"store: memory"};
  const std::string first = world.arrive("Ada");
  const std::string second = world.arrive("Bob");
  const Message reset = world.post("/reset", "", first + "; " + second);
  CHECK(reset.value("Set-Cookie").starts_with("session" + std::string{kEnd}));
  CHECK(world.visit(first).name() == "(absent)");
  CHECK(world.visit(second).name() == "(absent)");
}

TEST_CASE("four candidates are tried, and what is none of ours is no candidate",
          "[wire][session][cookies]") {
  World world{"store: cookie"};
  const std::string live = world.arrive("Ada");
  std::string forged = live;
  forged[60] = forged[60] == 'A' ? 'B' : 'A';
  std::string foreign;
  for (int i = 0; i < 20; ++i) {
    foreign += "session=x" + std::to_string(i) + "; session=\"q\"; session=; ";
  }
  const std::string three = forged + "; " + forged + "; " + forged + "; ";
  CHECK(world.visit(foreign + three + live).name() == "Ada");
  CHECK(world.visit(foreign + three + forged + "; " + live).name() == "(absent)");
}

TEST_CASE("a session that ends while its request is under way is not cleared by the response",
          "[wire][session][cookies][store]") {
  World world{"store: memory", ", writes_session: true"};
  const std::string cookie = world.arrive("Ada");
  const std::string answer = GENERATE(std::string{}, std::string{"X-Session-Set: seen=1\r\n"},
                                      std::string{"X-Session-Set: myName=\r\n"});
  CAPTURE(answer);
  const auto reset = [&] { CHECK(world.post("/reset", "", cookie).status() == 303); };
  const World::Seen seen = world.visit(cookie, reset, answer);
  CHECK(seen.name() == "Ada");
  CHECK_FALSE(seen.response.has("Set-Cookie"));
  CHECK(world.visit(cookie).name() == "(absent)");
}

TEST_CASE("a cookie under a former name opens and moves to the name of now",
          "[wire][session][cookies][previous]") {
  const std::string store = GENERATE(std::string{"cookie"}, std::string{"memory"});
  CAPTURE(store);
  World world{"store: " + store + "\n  cookie: {name: old}"};
  const std::string old = "old=" + world.post("/setName", "name=Ada").set_cookie("old");
  world.proxy.reload(
      config("store: " + store + "\n  cookie: {previous: [{name: old}, {name: older, path: /x}]}"));
  const World::Seen moved = world.visit(old);
  CHECK(moved.name() == "Ada");
  CHECK(moved.request.value("Cookie") == "(absent)");
  const std::vector<std::string> lines = moved.response.values("Set-Cookie");
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].starts_with("session="));
  CHECK(lines[1] == "old" + std::string{kEnd} + "; Path=/; HttpOnly; SameSite=Lax");
  CHECK(lines[2] == "older" + std::string{kEnd} + "; Path=/x; HttpOnly; SameSite=Lax");
  const std::string now = "session=" + moved.response.set_cookie();
  CHECK(world.visit(now).name() == "Ada");
  CHECK_FALSE(world.visit(now).response.has("Set-Cookie"));
  // The current name comes first, however old its cookie is.
  world.proxy.advance(1s);
  CHECK(world.post("/setName", "name=Bob", old).values("Set-Cookie").size() == 3);
  CHECK(world.visit(old + "; " + now).name() == (store == "cookie" ? "Ada" : "Bob"));
  const Message reset = world.post("/reset", "", old);
  CHECK(reset.values("Set-Cookie").size() == 3);
}

TEST_CASE("two cookies of the name clear the former scopes with the next cookie that is set",
          "[wire][session][cookies][previous]") {
  World world{
      "store: cookie\n  cookie: {previous: [{path: /app}, {path: /, domain: example.com}, {path: "
      "/b, domain: other.test}]}"};
  const std::string cookie = world.arrive("Ada");
  const auto cleared = [&](const std::string& cookies, const std::string& host) {
    std::vector<std::string> lines =
        world.post("/setName", "name=Bob", cookies, host).values("Set-Cookie");
    REQUIRE_FALSE(lines.empty());
    CHECK_FALSE(lines.front().starts_with("session" + std::string{kEnd}));
    lines.erase(lines.begin());
    return lines;
  };
  CHECK(cleared(cookie, "a").empty());
  const std::string rest = "; HttpOnly; SameSite=Lax";
  CHECK(cleared(cookie + "; " + cookie, "a") ==
        std::vector<std::string>{"session" + std::string{kEnd} + "; Path=/app" + rest});
  CHECK(cleared("session=x; " + cookie, "shop.example.com") ==
        std::vector<std::string>{
            "session" + std::string{kEnd} + "; Path=/app" + rest,
            "session" + std::string{kEnd} + "; Path=/" + rest + "; Domain=example.com"});
  CHECK(world.post("/reset", "", cookie + "; " + cookie).values("Set-Cookie").size() == 2);
}

TEST_CASE("an application's cookie of a former name stays and reaches it",
          "[wire][session][cookies][previous]") {
  World world{"store: cookie\n  cookie: {name: keepsake, previous: [{name: session}]}"};
  const World::Seen seen = world.visit("session=abc.def; a=b", {}, "Set-Cookie: session=new\r\n");
  CHECK(seen.request.value("Cookie") == "session=abc.def; a=b");
  CHECK(seen.response.value("Set-Cookie") == "session=new");
  const Message set = world.post("/setName", "name=Ada", "session=abc.def");
  CHECK(set.values("Set-Cookie").size() == 1);
  CHECK(world.proxy.count(Counter::RejectedMalformed) == 0);
}

TEST_CASE("cookie.domain is left out where the host is not within it, and the log says so",
          "[wire][session][cookies]") {
  World world{"store: cookie\n  cookie: {domain: Example.test}"};
  const auto has_domain = [&](const std::string& host) {
    const Message set = world.post("/setName", "name=Ada", "", host);
    CHECK(set.status() == 303);
    return set.value("Set-Cookie").find("Domain=") != std::string::npos;
  };
  CHECK(has_domain("example.test"));
  CHECK(has_domain("SHOP.example.test:8080"));
  CHECK(world.proxy.log().find("session.cookie.domain") == std::string::npos);
  CHECK_FALSE(has_domain("shop.other.test"));
  CHECK_FALSE(has_domain("notexample.test"));
  CHECK_FALSE(has_domain("test"));
  CHECK(times(world.proxy.log(), "is not within session.cookie.domain") == 1);
}
