// touch: false, cross_site: refuse and health: true.

#include "support/catch.hpp"
#include "wire/sign_in.hpp"

using namespace keepsake;
using namespace keepsake::test;
using std::chrono::seconds;

namespace {

std::string request(const std::string& method, const std::string& lines) {
  return method + " /api/x HTTP/1.1\r\nHost: a\r\n" + lines + "Content-Length: 0\r\n\r\n";
}

constexpr const char* kUpgrade =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

}  // namespace

TEST_CASE("a request without touch keeps no session alive", "[wire][touch]") {
  const std::string store = GENERATE(std::string{"cookie"}, std::string{"memory"});
  Backend backend;
  Proxy proxy{signing_in("  - {path: /poll, backend: app, touch: false}\n"
                         "  - {path: /session, show: [user], touch: false}\n",
                         "  store: " + store +
                             "\n  idle_timeout: 100s\n  touch_interval: 10s\n"
                             "  headers: {X-User: user}\n"),
              {{"BACKEND", backend.url()}}};
  const std::string user = sign_in(proxy, backend, "user=ada");
  for (int i = 0; i < 5; ++i) {
    proxy.advance(seconds{20});
    const Exchanged seen = pass(proxy, backend, get("/poll", cookie_line(user)));
    CHECK(seen.request.value("X-User") == "ada");
    CHECK_FALSE(seen.response.has("Set-Cookie"));
    CHECK(proxy.ask(get("/session", cookie_line(user))).body == "{\"user\":\"ada\"}\n");
  }
  proxy.advance(seconds{1});
  CHECK_FALSE(pass(proxy, backend, get("/poll", cookie_line(user))).request.has("X-User"));
  CHECK(proxy.ask(get("/session", cookie_line(user))).body == "{}\n");
}

TEST_CASE("a request with touch does", "[wire][touch]") {
  Backend backend;
  Proxy proxy{signing_in("",
                         "  store: memory\n  idle_timeout: 100s\n  touch_interval: 10s\n"
                         "  headers: {X-User: user}\n"),
              {{"BACKEND", backend.url()}}};
  const std::string user = sign_in(proxy, backend, "user=ada");
  for (int i = 0; i < 6; ++i) {
    proxy.advance(seconds{20});
    CHECK(pass(proxy, backend, get("/poll", cookie_line(user))).request.value("X-User") == "ada");
  }
}

TEST_CASE("unsafe methods from other sites are refused where the route says so",
          "[wire][cross-site]") {
  const std::string session = GENERATE(std::string{"true"}, std::string{"false"});
  Backend backend;
  Proxy proxy{signing_in("  - {path: \"/api/*\", backend: app, cross_site: refuse, session: " +
                             session + "}\n",
                         "  trusted_origins: [https://b.test]\n"
                         "  cookie: {same_site: none, secure: true}\n"),
              {{"BACKEND", backend.url()}}};
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "PROPFIND"}) {
    CAPTURE(method);
    CHECK(proxy.ask(request(method, "Sec-Fetch-Site: cross-site\r\n")).status() == 403);
    CHECK(proxy.ask(request(method, "Origin: http://evil.example\r\n")).status() == 403);
    CHECK(proxy.ask(request(method, "Origin: null\r\n")).status() == 403);
    CHECK(pass(proxy, backend, request(method, "")).response.status() == 200);
    CHECK(pass(proxy, backend, request(method, "Sec-Fetch-Site: same-origin\r\n"))
              .response.status() == 200);
    CHECK(pass(proxy, backend,
               request(method, "Origin: https://b.test\r\nSec-Fetch-Site: cross-site\r\n"))
              .response.status() == 200);
  }
  CHECK(proxy.ask(get("/api/x", std::string{kUpgrade} + "Origin: http://evil.example\r\n"))
            .status() == 403);
  for (const char* method : {"GET", "OPTIONS"}) {
    CHECK(
        pass(proxy, backend, request(method, "Sec-Fetch-Site: cross-site\r\n")).response.status() ==
        200);
  }
}

TEST_CASE("other routes pass requests from other sites on", "[wire][cross-site]") {
  Backend backend;
  Proxy proxy{signing_in(""), {{"BACKEND", backend.url()}}};
  CHECK(pass(proxy, backend, request("POST", "Sec-Fetch-Site: cross-site\r\n")).response.status() ==
        200);
}

TEST_CASE("a health route tells whether this process is ready", "[wire][health]") {
  Backend backend;
  Proxy proxy{signing_in("  - {path: /healthz, health: true}\n"), {{"BACKEND", backend.url()}}};
  const Message ready = proxy.ask(get("/healthz", "Cookie: session=x\r\n"));
  CHECK(ready.status() == 200);
  CHECK(ready.body == "ready\n");
  CHECK(ready.value("Cache-Control") == "no-store");
  CHECK_FALSE(ready.has("Vary"));
  CHECK_FALSE(ready.has("Set-Cookie"));
  Link waiting = proxy.connect();
  waiting.send("GET /healthz HTTP/1.1\r\n");
  proxy.drain();
  waiting.send("Host: a\r\n\r\n");
  const Message draining = waiting.read_response();
  CHECK(draining.status() == 503);
  CHECK(draining.body == "draining\n");
  CHECK(draining.has("Retry-After"));
}
