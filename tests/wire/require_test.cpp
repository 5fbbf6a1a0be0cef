// Routes that need a session: admitted requests, all other requests, and other spellings of paths.

#include "support/catch.hpp"
#include "wire/refused.hpp"
#include "wire/sign_in.hpp"

using namespace keepsake;
using namespace keepsake::test;
using std::chrono::seconds;

namespace {

const std::string kRoutes =
    "  - {path: \"/account/*\", backend: app, require: [user], else: /login}\n"
    "  - {path: \"/staff/*\", backend: app, require: {role: [admin, owner]}, else: /login}\n"
    "  - {path: \"/api/*\", backend: app, require: [user]}\n";
constexpr const char* kPage = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";

std::string kind_of_store() {
  return GENERATE(std::string{"store: cookie"}, std::string{"store: memory"},
                  std::string{"format: flask"});
}

void check_not_stored(const Message& response) {
  const std::string caching = response.value("Cache-Control");
  CHECK((caching == "no-store" || caching == "private, no-store"));
  CHECK(response.value("Vary") == "Cookie");
}

}  // namespace

TEST_CASE("a session with the required key is admitted", "[wire][require]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes, "  " + kind_of_store() + "\n"), {{"BACKEND", backend.url()}}};
  const std::string user = sign_in(proxy, backend, "user=ada");
  const Exchanged seen =
      pass(proxy, backend, get("/account/x", cookie_line(user)), "Cache-Control: public\r\n");
  CHECK(seen.response.status() == 200);
  CHECK(seen.response.value("Cache-Control") == "private, no-store");
  CHECK(seen.response.value("Vary") == "Cookie");
  CHECK(pass(proxy, backend, get("/api/x", cookie_line(user))).response.status() == 200);
  const std::string owner = sign_in(proxy, backend, "user=ada&role=owner");
  CHECK(pass(proxy, backend, get("/staff/x", cookie_line(owner))).response.status() == 200);
}

TEST_CASE("a page load without a session is redirected", "[wire][require]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  for (const std::string lines : {kPage, "Accept: text/html,*/*;q=0.8\r\n"}) {
    const Message response = proxy.ask(get("/account/x?y=z", lines));
    CHECK(response.status() == 303);
    CHECK(response.value("Location") == "/login");
    CHECK(response.value("Content-Length") == "0");
    CHECK_FALSE(response.has("WWW-Authenticate"));
    CHECK(response.set_cookie("session-return") != "(absent)");
    check_not_stored(response);
  }
  CHECK(
      proxy.ask("HEAD /account HTTP/1.1\r\nHost: a\r\nSec-Fetch-Mode: navigate\r\n\r\n").status() ==
      303);
}

TEST_CASE("every other request without a session gets 401", "[wire][require]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  const std::string request =
      GENERATE(get("/account/x"), get("/account/x", "Accept: */*\r\n"),
               get("/account/x", "Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n"),
               get("/api/x", "Sec-Fetch-Mode: navigate\r\nAccept: application/json\r\n"),
               std::string{"POST /account/x HTTP/1.1\r\nHost: a\r\nSec-Fetch-Mode: navigate\r\n"
                           "Content-Length: 0\r\n\r\n"},
               std::string{"OPTIONS /account/x HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n"},
               get("/account/x",
                   "Connection: Upgrade\r\nUpgrade: websocket\r\nAccept: text/html\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Version: 13\r\n"));
  CAPTURE(request);
  const Message response = proxy.ask(request);
  CHECK(response.status() == 401);
  CHECK(response.value("WWW-Authenticate") == "Session");
  const bool html = request.find("Accept: text/html") != std::string::npos;
  CHECK(response.value("Content-Type") ==
        (html ? "text/html; charset=utf-8" : "application/problem+json"));
  CHECK_FALSE(response.has("Set-Cookie"));
  CHECK_FALSE(response.has("Location"));
  check_not_stored(response);
}

TEST_CASE("another value gets 403 and is never sent to sign in", "[wire][require]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes, "  " + kind_of_store() + "\n"), {{"BACKEND", backend.url()}}};
  const std::string guest = sign_in(proxy, backend, "user=ada&role=guest");
  const Message page = proxy.ask(get("/staff/x", kPage + cookie_line(guest)));
  CHECK(page.status() == 403);
  CHECK_FALSE(page.has("Location"));
  CHECK_FALSE(page.has("WWW-Authenticate"));
  CHECK_FALSE(page.has("Set-Cookie"));
  check_not_stored(page);
  CHECK(proxy.ask(get("/staff/x", cookie_line(guest))).status() == 403);
  // Without any role there is something that signing in can change.
  const std::string user = sign_in(proxy, backend, "user=ada");
  CHECK(proxy.ask(get("/staff/x", kPage + cookie_line(user))).status() == 303);
}

TEST_CASE("a session that is over is none", "[wire][require]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes, "  idle_timeout: 100s\n  touch_interval: 10s\n"),
              {{"BACKEND", backend.url()}}};
  const std::string user = sign_in(proxy, backend, "user=ada");
  proxy.advance(seconds{101});
  const Message response = proxy.ask(get("/account", kPage + cookie_line(user)));
  CHECK(response.status() == 303);
  CHECK(response.values("Cache-Control") == std::vector<std::string>{"private, no-store"});
  CHECK(response.values("Set-Cookie").size() == 2);  // the session's end, and the way back
}

TEST_CASE("a forged or foreign cookie admits nobody", "[wire][require]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  const std::string user = sign_in(proxy, backend, "user=ada");
  CHECK(proxy.ask(get("/api", cookie_line(user + "A"))).status() == 401);
  CHECK(proxy.ask(get("/api", cookie_line("session=abc"))).status() == 401);
  CHECK(proxy.ask(get("/api", "X-Session-Name: ada\r\n")).status() == 401);
}

TEST_CASE("the route's own Cache-Control stands", "[wire][require]") {
  Backend backend;
  const std::string own = GENERATE(
      std::string{"response_headers: {Cache-Control: \"private, max-age=60\"}"},
      std::string{"rewrite: {set_response_headers: {Cache-Control: \"private, max-age=60\"}}"});
  Proxy proxy{signing_in("  - {path: /a, backend: app, require: [user], " + own + "}\n"),
              {{"BACKEND", backend.url()}}};
  const std::string user = sign_in(proxy, backend, "user=ada");
  CHECK(pass(proxy, backend, get("/a", cookie_line(user)), "Cache-Control: public\r\n")
            .response.value("Cache-Control") == "private, max-age=60");
}

TEST_CASE("no spelling leads around a route that needs a session", "[wire][require][guard]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  for (const char* path : {"/account/x", "/%61ccount/x", "/./account", "/x/../account/y"}) {
    CAPTURE(path);
    CHECK(proxy.ask(get(path)).status() == 401);
  }
  for (const char* path : {"/ACCOUNT/x", "//account", "/account%2fx", "/account;a/x",
                           "/account%5Cx", "/x/..;/account/y", "/%2e%2faccount"}) {
    CAPTURE(path);
    CHECK(proxy.ask(get(path)).status() == 400);
  }
  const std::string user = sign_in(proxy, backend, "user=ada");
  CHECK(proxy
            .ask("MOVE /x HTTP/1.1\r\nHost: a\r\nDestination: /account/y\r\n" + cookie_line(user) +
                 "\r\n")
            .status() == 403);
}

TEST_CASE("actions can need a session, too", "[wire][require]") {
  Backend backend;
  Proxy proxy{signing_in("  - {path: /set, set: {color: color}, require: [user]}\n",
                         "  " + kind_of_store() + "\n"),
              {{"BACKEND", backend.url()}}};
  const auto post = [](const std::string& cookie) {
    return "POST /set HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
           cookie_line(cookie) + "Content-Length: 9\r\n\r\ncolor=red";
  };
  CHECK(proxy.ask(post("")).status() == 401);
  const std::string user = sign_in(proxy, backend, "user=ada");
  CHECK(proxy.ask(post(user)).status() == 303);
}

TEST_CASE("a required key is privileged: its change gives a new id", "[wire][require]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes, "  store: memory\n  headers: {X-Id: {id: true}}\n"),
              {{"BACKEND", backend.url()}}};
  const auto id = [&](const std::string& cookie) {
    return pass(proxy, backend, get("/", cookie_line(cookie))).request.value("X-Id");
  };
  const std::string planted = sign_in(proxy, backend, "color=red");
  const std::string user = sign_in(proxy, backend, "user=ada", planted);
  CHECK(user != planted);
  CHECK(id(user) != id(planted));
  CHECK(proxy.ask(get("/api", cookie_line(planted))).status() == 401);
  CHECK(pass(proxy, backend, get("/api", cookie_line(user))).response.status() == 200);
}

TEST_CASE("a WebSocket needs the session as well", "[wire][require][upgrade]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  const std::string user = sign_in(proxy, backend, "user=ada");
  const std::string upgrade =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  CHECK(proxy.ask(get("/account/ws", upgrade)).status() == 401);
  Link client = proxy.connect();
  client.send(get("/account/ws", upgrade + cookie_line(user)));
  Link link = backend.accept();
  CHECK(link.read_request().value("Upgrade") == "websocket");
}

TEST_CASE("what was not admitted is counted by route and told in the access log",
          "[wire][require]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  proxy.ask(get("/account", kPage));
  proxy.ask(get("/api"));
  proxy.wait_until("the access log has both", [&] {
    return proxy.access_log().find("client:session_required") !=
           proxy.access_log().rfind("client:session_required");
  });
  const std::string log = proxy.access_log();
  CHECK(log.find("GET /account HTTP/1.1\" 303") != std::string::npos);
  CHECK(log.find("GET /api HTTP/1.1\" 401") != std::string::npos);
}
