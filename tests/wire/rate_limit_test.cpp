// rate_limits: who is counted, when, and what a refused request leaves as it was.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kForm = "Content-Type: application/x-www-form-urlencoded\r\n";

std::string with_routes(const std::string& routes, const std::string& more = "",
                        const std::string& session = "") {
  return "listen: [{address: \"127.0.0.1:0\"}]\n"
         "trusted_proxies: [127.0.0.1]\n"
         "backends: {app: {servers: [\"${BACKEND}\"], keepalive: {idle_timeout: 1h}}}\n"
         "timeouts: {header: 1h, idle: 1h, response: 1h}\n"
         "session: {" +
         session + "secrets: [{env: SESSION_KEY}]}\n" + more + "routes:\n" + routes;
}

std::string get(const std::string& path, const std::string& lines = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}

std::string from(const std::string& address) {
  return "X-Forwarded-For: " + address + "\r\n";
}

std::string set_name(const std::string& form, const std::string& lines = "") {
  return "POST /setName HTTP/1.1\r\nHost: a\r\n" + lines + std::string{kForm} +
         "Content-Length: " + std::to_string(form.size()) + "\r\n\r\n" + form;
}

// A proxy whose backend answers at once; ask() goes there or is refused.
struct World {
  explicit World(const std::string& routes, const std::string& more = "",
                 const std::string& session = "")
      : proxy{with_routes(routes, more, session), {{"BACKEND", backend.url()}}},
        client(proxy.connect()) {}

  // One exchange on the kept connection.
  Message ask(const std::string& request) {
    client.send(request);
    if (request.find(" /setName ") == std::string::npos) {
      // Whichever comes first: the request at the backend, or the refusal.
      proxy.wait_until("something happened", [&] {
        return client.readable() || (link ? link.readable() : backend.has_connection());
      });
      if (!client.readable()) {
        if (!link) {
          link = backend.accept();
        }
        seen = link.read_request();
        link.send(kOk);
      }
    }
    Message response = client.read_response(request.starts_with("HEAD "));
    if (response.value("Connection") == "close") {
      client = proxy.connect();
    }
    return response;
  }
  unsigned status(const std::string& request) { return ask(request).status(); }

  Backend backend;
  Proxy proxy;
  Link client;
  Link link;
  Message seen;
};

}  // namespace

TEST_CASE("a client gets what its bucket holds, then 429 until a token is back",
          "[wire][rate][http1]") {
  World world{
      "  - {path: \"/*\", backend: app, rate_limits: [{requests: 6, every: 60s, burst: 2}]}\n"};
  CHECK(world.status(get("/")) == 200);
  CHECK(world.status(get("/")) == 200);
  const Message refused = world.ask(get("/"));
  CHECK(refused.status() == 429);
  CHECK(refused.start_line() == "HTTP/1.1 429 Too Many Requests");
  CHECK(refused.value("Retry-After") == "10");
  CHECK(refused.value("Content-Type") == "application/problem+json");
  CHECK(refused.value("Cache-Control") == "no-store");
  CHECK_FALSE(refused.has("Connection"));  // it may ask again on the same one
  CHECK(world.proxy.count(Counter::RateLimited) == 1);
  world.proxy.advance(milliseconds{8'500});
  CHECK(world.ask(get("/")).value("Retry-After") == "2");
  world.proxy.advance(milliseconds{1'500});
  CHECK(world.status(get("/")) == 200);
  CHECK(world.ask(get("/")).value("Retry-After") == "10");
}

TEST_CASE("a refusal is a page for browsers and has no body after HEAD", "[wire][rate]") {
  World world{"  - {path: \"/*\", backend: app, rate_limits: [{requests: 1, every: 60s}]}\n"};
  CHECK(world.status(get("/")) == 200);
  const Message page = world.ask(get("/", "Accept: text/html\r\n"));
  CHECK(page.status() == 429);
  CHECK(page.value("Content-Type") == "text/html; charset=utf-8");
  CHECK(page.body.starts_with("<!doctype html>"));
  const Message head = world.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(head.status() == 429);
  CHECK(head.value("Content-Length") != "0");
  CHECK(world.status(get("/")) == 429);  // nothing of a body stood in between
}

TEST_CASE("each client address has its own bucket, and an IPv6 network is one client",
          "[wire][rate]") {
  World world{"  - {path: \"/*\", backend: app, rate_limits: [{requests: 1, every: 60s}]}\n"};
  CHECK(world.status(get("/", from("203.0.113.1"))) == 200);
  CHECK(world.status(get("/", from("203.0.113.1"))) == 429);
  CHECK(world.status(get("/", from("6.6.6.6, 203.0.113.1"))) == 429);
  CHECK(world.status(get("/", from("203.0.113.2"))) == 200);
  CHECK(world.status(get("/", from("2001:db8:0:1::1"))) == 200);
  CHECK(world.status(get("/", from("2001:db8:0:1:ffff::2"))) == 429);
  CHECK(world.status(get("/", from("2001:db8:0:2::1"))) == 200);
  CHECK(world.status(get("/")) == 200);  // the peer itself
}

TEST_CASE("other routes are not counted and have buckets of their own", "[wire][rate]") {
  World world{
      "  - {path: /a, backend: app, rate_limits: [{requests: 1, every: 60s}]}\n"
      "  - {path: /b, backend: app, rate_limits: [{requests: 1, every: 60s}]}\n"
      "  - {path: \"/*\", backend: app}\n"};
  for (int i = 0; i < 5; ++i) {
    CHECK(world.status(get("/c")) == 200);
  }
  CHECK(world.status(get("/a")) == 200);
  CHECK(world.status(get("/a")) == 429);
  CHECK(world.status(get("/b")) == 200);
  CHECK(world.status(get("/c")) == 200);
}

TEST_CASE("of several limits each one holds, and a refused request takes nothing from the others",
          "[wire][rate]") {
  World world{
      "  - path: \"/*\"\n"
      "    backend: app\n"
      "    rate_limits: [{requests: 4, every: 1h}, {requests: 1, every: 1s}]\n"};
  CHECK(world.status(get("/")) == 200);
  for (int i = 0; i < 10; ++i) {
    CHECK(world.ask(get("/")).value("Retry-After") == "1");
  }
  for (int i = 0; i < 3; ++i) {
    world.proxy.advance(seconds{1});
    CHECK(world.status(get("/")) == 200);
  }
  world.proxy.advance(seconds{1});
  CHECK(world.ask(get("/")).value("Retry-After") == "896");  // 15 minutes less four seconds
}

TEST_CASE("a limit per session follows the visitor from address to address", "[wire][rate]") {
  World world{
      "  - {path: /setName, set: {myName: name}}\n"
      "  - {path: \"/*\", backend: app, rate_limits: [{per: session, requests: 1, every: 60s}]}\n"};
  const auto visitor = [&](const std::string& name) {
    return "Cookie: session=" + world.ask(set_name("name=" + name)).set_cookie() + "\r\n";
  };
  const std::string ada = visitor("Ada");
  const std::string bob = visitor("Bob");
  CHECK(world.status(get("/", ada + from("203.0.113.1"))) == 200);
  CHECK(world.seen.value("X-Session-Name") == "Ada");
  CHECK(world.status(get("/", ada + from("203.0.113.2"))) == 429);
  CHECK(world.status(get("/", bob + from("203.0.113.1"))) == 200);
  // Without a session, or with one that does not open, the address counts.
  CHECK(world.status(get("/", from("203.0.113.1"))) == 200);
  CHECK(world.status(get("/", from("203.0.113.1"))) == 429);
  CHECK(world.status(get("/", "Cookie: session=nonsense\r\n" + from("203.0.113.1"))) == 429);
  CHECK(world.status(get("/", from("203.0.113.2"))) == 200);
}

TEST_CASE("a refusal by session gives back what it took by address", "[wire][rate]") {
  World world{
      "  - path: \"/*\"\n"
      "    backend: app\n"
      "    rate_limits: [{per: session, requests: 1, every: 1s}, {requests: 3, every: 1h}]\n"};
  CHECK(world.status(get("/")) == 200);
  for (int i = 0; i < 10; ++i) {
    CHECK(world.ask(get("/")).value("Retry-After") == "1");
  }
  for (int i = 0; i < 2; ++i) {
    world.proxy.advance(seconds{1});
    CHECK(world.status(get("/")) == 200);
  }
  world.proxy.advance(seconds{1});
  CHECK(world.status(get("/")) == 429);
}

TEST_CASE("a refused request on a session route says Vary and leaves the cookie alone",
          "[wire][rate][session]") {
  const std::string per = GENERATE("client", "session");
  World world{"  - {path: \"/*\", backend: app, rate_limits: [{per: " + per +
              ", requests: 1, every: 60s}]}\n"};
  const std::string lines = GENERATE("", "Cookie: session=nonsense\r\n");
  CHECK(world.status(get("/")) == 200);
  const Message refused = world.ask(get("/", lines));
  CHECK(refused.status() == 429);
  CHECK(refused.value("Vary") == "Cookie");
  CHECK_FALSE(refused.has("Set-Cookie"));
  CHECK(refused.value("Cache-Control") == "no-store");
}

TEST_CASE("a session that is due for its touch keeps its cookie through a refusal",
          "[wire][rate][session]") {
  const std::string per = GENERATE("client", "session");
  World world{
      "  - {path: /setName, set: {myName: name}}\n  - {path: \"/*\", backend: app, "
      "rate_limits: [{per: " +
      per + ", requests: 1, every: 1h}]}\n"};
  const std::string ada =
      "Cookie: session=" + world.ask(set_name("name=Ada")).set_cookie() + "\r\n";
  CHECK(world.status(get("/", ada)) == 200);
  world.proxy.advance(seconds{600});
  const Message refused = world.ask(get("/", ada));
  CHECK(refused.status() == 429);
  CHECK_FALSE(refused.has("Set-Cookie"));
}

TEST_CASE("a limited action keeps the old session", "[wire][rate][session]") {
  const std::string per = GENERATE("client", "session");
  World world{"  - {path: /setName, set: {myName: name}, rate_limits: [{per: " + per +
              ", requests: 1, every: 60s}]}\n"
              "  - {path: \"/*\", backend: app}\n"};
  const std::string cookie = world.ask(set_name("name=Ada", from("203.0.113.1"))).set_cookie();
  REQUIRE(cookie != "(absent)");
  const std::string ada = "Cookie: session=" + cookie + "\r\n";
  if (per == "session") {
    CHECK(world.status(set_name("name=Ada", ada + from("203.0.113.9"))) == 303);
  }
  const Message refused = world.ask(set_name("name=Eve", ada + from("203.0.113.1")));
  CHECK(refused.status() == 429);
  CHECK_FALSE(refused.has("Set-Cookie"));
  CHECK(refused.value("Vary") == "Cookie");
  CHECK(world.status(get("/", ada)) == 200);
  CHECK(world.seen.value("X-Session-Name") == "Ada");
}

TEST_CASE("a limited request is answered without its body, and the connection ends",
          "[wire][rate][http1]") {
  World world{"  - {path: \"/*\", backend: app, rate_limits: [{requests: 1, every: 60s}]}\n"};
  CHECK(world.status(get("/")) == 200);
  Link client = world.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  const Message response = client.read_response();  // no 100 before it
  CHECK(response.status() == 429);
  CHECK(response.value("Connection") == "close");
  client.send("helloGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_to_end().empty());
}

TEST_CASE("a limit counts WebSocket handshakes too", "[wire][rate][upgrade]") {
  World world{"  - {path: \"/*\", backend: app, rate_limits: [{requests: 1, every: 60s}]}\n"};
  CHECK(world.status(get("/")) == 200);
  CHECK(world.status(get("/ws",
                         "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: "
                         "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n")) == 429);
}

TEST_CASE("a limit per session goes by the session's id when its values are in a store",
          "[wire][rate][session]") {
  World world{
      "  - {path: /setName, set: {myName: name}}\n"
      "  - {path: \"/*\", backend: app, rate_limits: [{per: session, requests: 1, every: 60s}]}\n",
      "", "store: memory, "};
  const std::string cookie = world.ask(set_name("name=Ada")).set_cookie();
  const std::string ada = "Cookie: session=" + cookie + "\r\n";
  CHECK(world.status(get("/", ada + from("203.0.113.1"))) == 200);
  CHECK(world.seen.value("X-Session-Name") == "Ada");
  CHECK(world.status(get("/", ada + from("203.0.113.2"))) == 429);
  CHECK(world.status(get("/", from("203.0.113.2"))) == 200);
}

TEST_CASE("buckets outlive a reload that leaves the rule alone", "[wire][rate][reload]") {
  const std::string rule = "rate_limits: [{requests: 1, every: 60s}]";
  World world{"  - {path: \"/*\", backend: app, " + rule + "}\n"};
  CHECK(world.status(get("/")) == 200);
  CHECK(world.status(get("/")) == 429);
  // Another route before it, other limits elsewhere: it is still the same rule.
  world.proxy.reload(with_routes(
      "  - {path: /new, backend: app}\n  - {path: \"/*\", backend: app, " + rule + "}\n",
      "limits: {body: 1MiB}\n"));
  world.client = world.proxy.connect();
  CHECK(world.status(get("/new")) == 200);  // the new configuration is in use
  CHECK(world.status(get("/")) == 429);
  world.proxy.reload(
      with_routes("  - {path: /new, set: {a: b}}\n  - {path: \"/*\", backend: app, "
                  "rate_limits: [{requests: 2, every: 60s}]}\n"));
  world.client = world.proxy.connect();
  CHECK(world.status(get("/new")) == 405);
  CHECK(world.status(get("/")) == 200);
}

TEST_CASE("the number of buckets is bounded", "[wire][rate]") {
  World world{"  - {path: \"/*\", backend: app, rate_limits: [{requests: 1, every: 60s}]}\n",
              "limits: {rate_buckets: 100}\n"};
  CHECK(world.status(get("/", from("203.0.113.1"))) == 200);
  CHECK(world.status(get("/", from("203.0.113.1"))) == 429);
  for (int i = 0; i < 100; ++i) {
    CHECK(world.status(get("/", from("198.51.100." + std::to_string(i)))) == 200);
  }
  CHECK(world.status(get("/", from("198.51.100.50"))) == 429);
  CHECK(world.status(get("/", from("203.0.113.1"))) == 200);  // long forgotten
}
