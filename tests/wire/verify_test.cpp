// verify: a proxy in front asks whether its client has a session (forward auth). The requests are
// those of nginx auth_request, Caddy forward_auth, Traefik ForwardAuth and Envoy ext_authz.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

std::string config(std::string_view trusted, std::string_view store = "cookie") {
  return R"(
listen: [{address: "127.0.0.1:0"}]
trusted_proxies: [)" +
         std::string{trusted} + R"(]
backends: {app: {servers: ["${BACKEND}"], writes_session: true}}
routes:
  - {path: /verify, verify: true, require: [user], else: /login}
  - {path: /status, verify: status, require: [user], else: /login}
  - {path: /staff, verify: true, require: {role: [admin, owner]}, else: /login}
  - {path: /anybody, verify: true}
  - {path: "/envoy/*", verify: true, require: [user], else: /login}
  - {path: /return, set: {color: color}, redirect: return}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  idle_timeout: 100s
  headers: {X-Session-User: user, X-Session-Role: role}
  store: )" +
         std::string{store} + "\n";
}

struct World {
  explicit World(std::string_view trusted = "127.0.0.1/32", std::string_view store = "cookie")
      : proxy{config(trusted, store), {{"BACKEND", backend.url()}}} {}

  Backend backend;
  Proxy proxy;

  std::string sign_in(std::string_view values = "user=ada&role=editor") {
    Link client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    Link link = backend.accept();
    link.read_request();
    link.send("HTTP/1.1 200 OK\r\nConnection: close\r\nX-Session-Set: " + std::string{values} +
              "\r\nContent-Length: 0\r\n\r\n");
    return client.read_response().set_cookie();
  }
};

// What each proxy in front sends for GET /account?tab=2 of its client; `more` are lines that the
// client sent too.
std::string nginx(std::string_view path, std::string_view more) {
  return "GET " + std::string{path} +
         " HTTP/1.0\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /account?tab=2\r\n"
         "X-Forwarded-Host: app.example\r\nX-Forwarded-Proto: https\r\n"
         "X-Forwarded-For: 203.0.113.9\r\nHost: app.example\r\nConnection: close\r\n"
         "User-Agent: Mozilla/5.0\r\nAccept: text/html,*/*;q=0.8\r\n" +
         std::string{more} + "\r\n";
}
std::string nginx_original(std::string_view path, std::string_view more) {
  return "GET " + std::string{path} +
         " HTTP/1.0\r\nX-Original-Method: GET\r\nX-Original-URI: /account?tab=2\r\n"
         "Host: app.example\r\nConnection: close\r\nAccept: text/html\r\n" +
         std::string{more} + "\r\n";
}
std::string ingress_nginx(std::string_view path, std::string_view more) {
  return "GET " + std::string{path} +
         " HTTP/1.1\r\nHost: keepsake.default.svc.cluster.local\r\n"
         "X-Original-URL: https://app.example/account?tab=2\r\nX-Original-Method: GET\r\n"
         "X-Sent-From: nginx-ingress-controller\r\nX-Real-IP: 203.0.113.9\r\n"
         "X-Forwarded-For: 203.0.113.9\r\nX-Auth-Request-Redirect: /account?tab=2\r\n"
         "Connection: close\r\naccept: text/html\r\n" +
         std::string{more} + "\r\n";
}
std::string caddy(std::string_view path, std::string_view more) {
  return "GET " + std::string{path} +
         " HTTP/1.1\r\nHost: app.example\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html\r\n" +
         std::string{more} +
         "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Host: app.example\r\n"
         "X-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\n"
         "X-Forwarded-Uri: /account?tab=2\r\n\r\n";
}
std::string traefik(std::string_view path, std::string_view more) {
  return "GET " + std::string{path} +
         " HTTP/1.1\r\nHost: keepsake:8090\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html\r\n"
         "Accept-Encoding: gzip, deflate, br\r\n" +
         std::string{more} +
         "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\n"
         "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Host: app.example\r\n"
         "X-Forwarded-Method: GET\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Proto: https\r\n"
         "X-Forwarded-Server: 3b1f\r\nX-Forwarded-Uri: /account?tab=2\r\n"
         "X-Real-Ip: 203.0.113.9\r\n\r\n";
}
std::string envoy(std::string_view, std::string_view more) {
  return "GET /envoy/account?tab=2 HTTP/1.1\r\nhost: app.example\r\ncontent-length: 0\r\n"
         "accept: text/html\r\n" +
         std::string{more} +
         "x-envoy-internal: true\r\nx-forwarded-for: 203.0.113.9\r\nx-forwarded-proto: https\r\n"
         "x-envoy-expected-rq-timeout-ms: 250\r\n\r\n";
}

using Front = std::string (*)(std::string_view path, std::string_view more);
struct Named {
  const char* name;
  Front request;
};
constexpr Named kFronts[] = {{"nginx", nginx},
                             {"nginx with X-Original", nginx_original},
                             {"ingress-nginx", ingress_nginx},
                             {"Caddy", caddy},
                             {"Traefik", traefik},
                             {"Envoy", envoy}};

std::string cookie_line(const std::string& cookie) {
  return "Cookie: session=" + cookie + "\r\n";
}

// Where the return cookie of `answer` leads after a sign-in.
std::string way_back(const World& world, const Message& answer) {
  const std::string form = "color=red";
  const Message redirect = world.proxy.ask(
      "POST /return HTTP/1.1\r\nHost: app.example\r\nX-Forwarded-Host: app.example\r\n"
      "Content-Type: application/x-www-form-urlencoded\r\nCookie: session-return=" +
      answer.set_cookie("session-return") + "\r\nContent-Length: 9\r\n\r\n" + form);
  return redirect.value("Location");
}

}  // namespace

TEST_CASE("each proxy in front learns of a session by 200, its headers and no body",
          "[wire][verify]") {
  const std::string store = GENERATE("cookie", "memory");
  World world{"127.0.0.1/32", store};
  const std::string cookie = world.sign_in();
  for (const Named& front : kFronts) {
    INFO(front.name);
    const Message answer = world.proxy.ask(front.request("/verify", cookie_line(cookie)));
    CHECK(answer.status() == 200);
    CHECK(answer.value("X-Session-User") == "ada");
    CHECK(answer.value("X-Session-Role") == "editor");
    CHECK(answer.value("Content-Length") == "0");
    CHECK(answer.body.empty());
    CHECK_FALSE(answer.has("Set-Cookie"));
    CHECK(answer.value("Vary") == "Cookie");
    CHECK(answer.value("Cache-Control").find("no-store") != std::string::npos);
  }
}

TEST_CASE("each proxy in front sends an anonymous page load to else, and the way back is its page",
          "[wire][verify]") {
  World world;
  for (const Named& front : kFronts) {
    INFO(front.name);
    const Message answer = world.proxy.ask(front.request("/verify", ""));
    CHECK(answer.status() == 303);
    CHECK(answer.value("Location") == "/login");
    CHECK(answer.value("Cache-Control").find("no-store") != std::string::npos);
    CHECK(answer.value("Vary") == "Cookie");
    CHECK(way_back(world, answer) == "/account?tab=2");
  }
}

TEST_CASE("verify: status never redirects, and names the place in Location", "[wire][verify]") {
  World world;
  const Message answer = world.proxy.ask(nginx("/status", ""));
  CHECK(answer.status() == 401);
  CHECK(answer.value("Location") == "/login");
  CHECK(answer.value("WWW-Authenticate") == "Session");
  CHECK(way_back(world, answer) == "/account?tab=2");
  CHECK(world.proxy.ask(nginx("/status", cookie_line(world.sign_in()))).status() == 200);
}

TEST_CASE("verify answers other methods, and a request that is no page load gets 401",
          "[wire][verify]") {
  World world;
  const std::string cookie = world.sign_in();
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "HEAD"}) {
    INFO(method);
    const std::string start = std::string{method} + " /verify HTTP/1.1\r\nHost: a\r\n";
    const Message good = world.proxy.ask(start + cookie_line(cookie) + "\r\n");
    CHECK(good.status() == 200);
    CHECK(good.value("X-Session-User") == "ada");
    if (std::string_view{method} != "HEAD") {
      const Message bad = world.proxy.ask(start + "Accept: text/html\r\n\r\n");
      CHECK(bad.status() == 401);
      CHECK_FALSE(bad.has("Set-Cookie"));
    }
  }
  // The front proxy asks with GET for a POST of its client.
  const Message posted = world.proxy.ask(
      "GET /verify HTTP/1.1\r\nHost: a\r\nX-Forwarded-Method: POST\r\nX-Forwarded-Uri: /x\r\n"
      "Accept: text/html\r\n\r\n");
  CHECK(posted.status() == 401);
  CHECK_FALSE(posted.has("Location"));
  CHECK_FALSE(posted.has("Set-Cookie"));
  const Message fetched = world.proxy.ask(
      "GET /verify HTTP/1.1\r\nHost: a\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /x\r\n"
      "Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n\r\n");
  CHECK(fetched.status() == 401);
}

TEST_CASE("a body that the front proxy announces and does not send delays no answer",
          "[wire][verify]") {
  World world;
  const std::string cookie = world.sign_in();
  const Message answer = world.proxy.ask(
      "GET /verify HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n" + cookie_line(cookie) + "\r\n");
  CHECK(answer.status() == 200);
  CHECK(answer.value("Connection") == "close");
}

TEST_CASE("another value is 403 and never else", "[wire][verify]") {
  World world;
  const Message refused =
      world.proxy.ask(caddy("/staff", cookie_line(world.sign_in("user=ada&role=guest"))));
  CHECK(refused.status() == 403);
  CHECK_FALSE(refused.has("Location"));
  CHECK(world.proxy.ask(caddy("/staff", cookie_line(world.sign_in("role=owner")))).status() == 200);
}

TEST_CASE("without require everybody is 200, with headers or without", "[wire][verify]") {
  World world;
  const Message nobody = world.proxy.ask(caddy("/anybody", ""));
  CHECK(nobody.status() == 200);
  CHECK_FALSE(nobody.has("X-Session-User"));
  CHECK(world.proxy.ask(caddy("/anybody", cookie_line(world.sign_in()))).value("X-Session-User") ==
        "ada");
}

TEST_CASE("a touch is due for the front proxy's clients, too", "[wire][verify]") {
  World world;
  const std::string cookie = world.sign_in();
  world.proxy.advance(60s);
  const Message answer = world.proxy.ask(traefik("/verify", cookie_line(cookie)));
  CHECK(answer.status() == 200);
  const std::string line = answer.value("Set-Cookie");
  CHECK(line.find("; Secure") != std::string::npos);
  world.proxy.advance(60s);
  CHECK(world.proxy.ask(traefik("/verify", cookie_line(answer.set_cookie()))).status() == 200);
}

TEST_CASE("a WebSocket handshake that the front proxy asks about is answered like any request",
          "[wire][verify][upgrade]") {
  World world;
  const std::string lines =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://app.example\r\n";
  const std::string cookie = world.sign_in();
  CHECK(world.proxy.ask(traefik("/verify", lines + cookie_line(cookie))).status() == 200);
  const Message nobody = world.proxy.ask(
      "GET /verify HTTP/1.1\r\nHost: a\r\nX-Forwarded-Uri: /ws\r\nX-Forwarded-Method: GET\r\n" +
      lines + "\r\n");
  CHECK(nobody.status() == 401);
  CHECK_FALSE(nobody.has("Set-Cookie"));
}

TEST_CASE("what a client itself sends never comes back as a session header", "[wire][verify]") {
  World world;
  const std::string forged =
      "X-Session-User: eve\r\nX_Session_User: eve\r\nX-Session-Role: admin\r\n";
  for (const Named& front : kFronts) {
    INFO(front.name);
    const Message answer = world.proxy.ask(front.request("/verify", forged));
    CHECK(answer.status() == 303);
    CHECK_FALSE(answer.has("X-Session-User"));
    const Message good =
        world.proxy.ask(front.request("/verify", forged + cookie_line(world.sign_in("user=ada"))));
    CHECK(good.value("X-Session-User") == "ada");
    CHECK_FALSE(good.has("X-Session-Role"));
  }
}

TEST_CASE("X-Forwarded-Uri counts before X-Original, and the last line of each", "[wire][verify]") {
  World world;
  const auto back = [&](std::string_view lines) {
    const Message answer = world.proxy.ask("GET /verify HTTP/1.1\r\nHost: a\r\n" +
                                           std::string{lines} + "Accept: text/html\r\n\r\n");
    REQUIRE(answer.status() == 303);
    return answer.set_cookie("session-return") == "(absent)" ? std::string{"none"}
                                                             : way_back(world, answer);
  };
  CHECK(back("X-Original-URI: /forged\r\nX-Forwarded-Uri: /real\r\n") == "/real");
  CHECK(back("X-Forwarded-Uri: /real\r\nX-Original-URL: http://evil/forged\r\n") == "/real");
  CHECK(back("X-Forwarded-Uri: /forged\r\nX-Forwarded-Uri: /real?a=1,2\r\n") == "/real?a=1,2");
  CHECK(back("X-Original-URL: https://evil.example\r\n") == "/");
  CHECK(back("X-Original-URI: /one\r\nX-Original-URL: https://a/two\r\n") == "/one");
  for (const char* evil : {"//evil", "/\\evil", "/%5cevil", "/%0d%0aX", "evil", "https:evil",
                           "javascript:alert(1)", "http://a//evil", "/a%00b", ""}) {
    INFO(evil);
    CHECK(back("X-Forwarded-Uri: " + std::string{evil} + "\r\n") == "none");
  }
  CHECK(back("X-Forwarded-Uri: /" + std::string(2000, 'x') + "\r\n") == "none");
  CHECK(back("") == "none");
}

TEST_CASE("what a peer that is not trusted says of another request is not believed",
          "[wire][verify]") {
  World world{"10.0.0.0/8"};
  const Message answer = world.proxy.ask(caddy("/verify", ""));
  CHECK(answer.status() == 303);
  CHECK(answer.set_cookie("session-return") == "(absent)");
  const Message posted = world.proxy.ask(
      "POST /verify HTTP/1.1\r\nHost: a\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /x\r\n"
      "Accept: text/html\r\nContent-Length: 0\r\n\r\n");
  CHECK(posted.status() == 401);
}
