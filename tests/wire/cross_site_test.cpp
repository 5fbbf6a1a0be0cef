// Requests that pages of other sites cause, and what client and operator are told of a refusal.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

std::string set(std::string_view lines) {
  return "POST /setName HTTP/1.1\r\nHost: a.example\r\n"
         "Content-Type: application/x-www-form-urlencoded\r\n" +
         std::string{lines} + "Content-Length: 8\r\n\r\nname=Ada";
}

std::string get(std::string_view path, std::string_view lines) {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: a.example\r\n" + std::string{lines} +
         "\r\n";
}

constexpr std::string_view kUpgrade =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

std::string trusting(const Backend& backend) {
  return "listen: [{address: \"127.0.0.1:0\"}]\nbackends: {app: {servers: [\"" + backend.url() +
         R"("]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  trusted_origins: ["https://www.example.com", "http://app.example:8080"]
)";
}

}  // namespace

TEST_CASE("pages of trusted origins set, clear and open WebSockets", "[wire][cross-site]") {
  Backend backend;
  const Proxy proxy{trusting(backend), {}};
  const std::string cross = "Sec-Fetch-Site: cross-site\r\n";
  const std::string trusted = "Origin: https://www.example.com\r\n";
  for (const std::string& site :
       {std::string{}, cross, std::string{"Sec-Fetch-Site: same-site\r\n"}}) {
    CAPTURE(site);
    CHECK(proxy.ask(set(site + trusted)).status() == 303);
    CHECK(proxy.ask(set(site + "Origin: http://app.example:8080\r\n")).status() == 303);
    CHECK(proxy.ask(get("/reset", site + trusted)).status() == 303);
    CHECK(proxy.ask(set(site + "Origin: https://www.example.com:444\r\n")).status() == 403);
    CHECK(proxy.ask(set(site + "Origin: https://evil.example\r\n")).status() == 403);
    CHECK(proxy.ask(set(site + "Referer: https://www.example.com/form\r\n")).status() == 403);
    CHECK(proxy.ask(set(site + "Origin: null\r\nReferer: https://www.example.com/\r\n")).status() ==
          403);
    CHECK(proxy.ask(set(site + trusted + "Origin: https://evil.example\r\n")).status() == 403);
    CHECK(proxy.ask(get("/", site + "Origin: https://evil.example\r\n" + std::string{kUpgrade}))
              .status() == 403);
  }
  CHECK(proxy.ask(get("/reset", cross + trusted + "Sec-Purpose: prefetch\r\n")).status() == 403);
  Link client = proxy.connect();
  client.send(get("/", cross + trusted + std::string{kUpgrade}));
  CHECK(backend.accept().read_request().value("Upgrade") == "websocket");
}

TEST_CASE("a hint that comes twice is no hint of the same site", "[wire][cross-site]") {
  Backend backend;
  const Proxy proxy{backend};
  CHECK(proxy.ask(set("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n")).status() ==
        403);
  CHECK(proxy.ask(set("Origin: http://a.example\r\nOrigin: http://a.example\r\n")).status() == 403);
  CHECK(proxy.ask(set("Referer: http://a.example/\r\nReferer: http://b.example/\r\n")).status() ==
        403);
}

TEST_CASE("a refused page is told both addresses, and so is the operator once",
          "[wire][cross-site]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string origin = "Origin: http://evil.example:81\r\n";
  const Message page = proxy.ask(set(origin + "Accept: text/html\r\n"));
  CHECK(page.status() == 403);
  CHECK(page.body.find("http://evil.example:81") != std::string::npos);
  CHECK(page.body.find("a.example") != std::string::npos);
  CHECK(proxy.ask(get("/", origin + std::string{kUpgrade})).body.find("evil.example:81") !=
        std::string::npos);
  const auto told = [&](std::string_view what) {
    std::size_t count = 0;
    const std::string log = proxy.log();
    for (std::size_t at = log.find(what); at != std::string::npos; at = log.find(what, at + 1)) {
      ++count;
    }
    return count;
  };
  CHECK(told("the change of a session at a.example was refused: it came from "
             "http://evil.example:81") == 1);
  CHECK(told("trusted_origins") == 1);
  proxy.advance(std::chrono::seconds{61});
  CHECK(proxy.ask(get("/", origin + std::string{kUpgrade})).status() == 403);
  CHECK(told("a WebSocket at a.example was refused") == 1);
  CHECK(proxy.count(Counter::CrossSiteRefused) == 3);
}

TEST_CASE("a page that hides its address learns why it was refused", "[wire][cross-site]") {
  Backend backend;
  Proxy proxy{backend};
  const Message page = proxy.ask(set("Origin: null\r\n"));
  CHECK(page.status() == 403);
  CHECK(page.body.find("Origin: null") != std::string::npos);
  CHECK(proxy.log().find("Referrer-Policy") != std::string::npos);
  CHECK(proxy.ask(set("Origin: null\r\nReferer: http://a.example/form\r\n")).status() == 303);
}

TEST_CASE("a prefetch in any spelling ends no session", "[wire][actions]") {
  Backend backend;
  const Proxy proxy{backend};
  const std::string cookie = "Cookie: session=" + proxy.ask(set("")).set_cookie() + "\r\n";
  for (const char* line :
       {"Purpose: prefetch", "X-Purpose: preview", "X-Moz: prefetch", "X-Sec-Purpose: prefetch",
        "Next-Router-Prefetch: 1", "X-Middleware-Prefetch: 1", "Sec-Purpose: prefetch;prerender"}) {
    CAPTURE(line);
    const Message refusal =
        proxy.ask(get("/reset", cookie + "Sec-Fetch-Site: same-origin\r\n" + line + "\r\n"));
    CHECK(refusal.status() == 403);
    CHECK_FALSE(refusal.has("Set-Cookie"));
  }
  const Message click = proxy.ask(get("/reset", cookie + "RSC: 1\r\nNext-Router-Prefetch: 0\r\n"));
  CHECK(click.status() == 303);
  CHECK(click.has("Set-Cookie"));
}
