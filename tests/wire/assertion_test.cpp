// The signed assertion: one header that lets a backend tell a request that came through Keepsake
// from any other. The MAC is computed here from what arrived, not from what the proxy knew.

#include <openssl/hmac.h>

#include <regex>
#include <sstream>

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

const std::string kAssertionSecret = "a-secret-between-keepsake-and-its-backend-0";

std::string config() {
  return R"(
listen: [{address: "127.0.0.1:0"}]
backends:
  app: {servers: ["${BACKEND}"], assertion: {secret: {env: ASSERTION_KEY}}}
  plain: {servers: ["${BACKEND}"]}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/static/*", backend: app, session: false}
  - {path: "/plain/*", backend: plain}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  headers: {X-Session-Name: myName, X-Raw: {key: myName, encoding: raw}, X-Session-Id: {id: true}}
)";
}

struct World {
  Backend backend;
  Proxy proxy{config(), {{"BACKEND", backend.url()}, {"ASSERTION_KEY", kAssertionSecret}}};

  std::string arrive(const std::string& name) const {
    const std::string form = "name=" + name;
    return proxy
        .ask(
            "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: "
            "application/x-www-form-urlencoded\r\nContent-Length: " +
            std::to_string(form.size()) + "\r\n\r\n" + form)
        .set_cookie();
  }
  Message seen(const std::string& target, const std::string& lines = "",
               const std::string& method = "GET") {
    Link client = proxy.connect();
    client.send(method + " " + target + " HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n");
    Link link = backend.accept();
    Message request = link.read_request();
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    client.read_response(method == "HEAD");
    return request;
  }
};

// What a careful backend does with a request as it arrived.
bool verified(const Message& request, const std::string& secret, std::int64_t now) {
  static const std::regex shape{"v1 t=([0-9]+) h=([^ ]*) s=([0-9a-f]{64})"};
  const std::string assertion = request.value("X-Keepsake-Assertion");
  std::smatch match;
  if (!std::regex_match(assertion, match, shape) || std::stoll(match[1]) != now) {
    return false;
  }
  std::istringstream start{request.start_line()};
  std::string method, target;
  start >> method >> target;
  std::string message =
      "keepsake assertion v1\n" + method + "\n" + target + "\n" + match[1].str() + "\n";
  std::istringstream names{match[2]};
  for (std::string name; std::getline(names, name, ',');) {
    const std::vector<std::string> values = request.values(name);
    message += name + ":" + (values.empty() ? "" : values.front()) + "\n";
  }
  unsigned char mac[32];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac, &size);
  std::string hex;
  for (const unsigned char byte : mac) {
    constexpr char digits[] = "0123456789abcdef";
    hex.append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
  }
  return hex == match[3];
}

constexpr std::int64_t kNow = 1'700'000'000;

}  // namespace

TEST_CASE("an assertion signs method, target, time and every injected value", "[wire][assertion]") {
  World world;
  const std::string name = GENERATE(std::string{""}, std::string{"Ada"}, std::string{"Zo%C3%AB+B"});
  CAPTURE(name);
  const std::string lines = name.empty() ? "" : "Cookie: session=" + world.arrive(name) + "\r\n";
  for (const char* method : {"GET", "HEAD", "DELETE"}) {
    const Message request = world.seen("/x/y?q=1&%C3%AB", lines, method);
    CHECK(verified(request, kAssertionSecret, kNow));
    CHECK_FALSE(verified(request, kAssertionSecret + "x", kNow));
    CHECK(request.value("X-Keepsake-Assertion").find(" h=x-session-name,x-raw,x-session-id ") !=
          std::string::npos);
    CHECK(request.has("X-Session-Name") == !name.empty());
  }
  world.proxy.advance(std::chrono::seconds{7});
  CHECK(verified(world.seen("/", lines), kAssertionSecret, kNow + 7));
}

TEST_CASE("an assertion is worth nothing for another request", "[wire][assertion]") {
  World world;
  const Message request = world.seen("/a", "Cookie: session=" + world.arrive("Ada") + "\r\n");
  REQUIRE(verified(request, kAssertionSecret, kNow));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"GET ", "PUT "},
           {" /a ", " /b "},
           {"X-Session-Name: Ada", "X-Session-Name: Bob"},
           {"X-Session-Name: Ada\r\n", ""},
           {" h=x-session-name,", " h="},
           {" t=1700000000 ", " t=1700000001 "}}) {
    CAPTURE(from, to);
    Message changed = request;
    REQUIRE(changed.head.find(from) != std::string::npos);
    changed.head.replace(changed.head.find(from), from.size(), to);
    CHECK_FALSE(verified(changed, kAssertionSecret, kNow));
    CHECK_FALSE(verified(changed, kAssertionSecret, kNow + 1));
  }
}

TEST_CASE("an assertion signs the target as the backend gets it", "[wire][assertion]") {
  World world;
  for (const char* target : {"http://a/x?y", "http://a", "HTTP://A/?"}) {
    CAPTURE(target);
    CHECK(verified(world.seen(target), kAssertionSecret, kNow));
  }
}

TEST_CASE("an assertion is there on routes without sessions and on upgrades too",
          "[wire][assertion]") {
  World world;
  const std::string cookie = "Cookie: session=" + world.arrive("Ada") + "\r\n";
  const Message excluded = world.seen("/static/x", cookie);
  CHECK(verified(excluded, kAssertionSecret, kNow));
  CHECK_FALSE(excluded.has("X-Session-Name"));
  const Message upgrade = world.seen(
      "/ws", cookie + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n");
  CHECK(upgrade.value("Upgrade") == "websocket");
  CHECK(upgrade.value("X-Session-Name") == "Ada");
  CHECK(verified(upgrade, kAssertionSecret, kNow));
}

TEST_CASE("a client's own assertion never reaches any backend", "[wire][assertion][spoofing]") {
  World world;
  const Message good = world.seen("/");
  const std::string stolen = good.value("X-Keepsake-Assertion");
  for (const char* name :
       {"X-Keepsake-Assertion", "x_keepsake_assertion", "X.Keepsake-ASSERTION"}) {
    CAPTURE(name);
    const Message plain = world.seen("/plain/x", std::string{name} + ": " + stolen + "\r\n");
    CHECK(plain.head.find(stolen) == std::string::npos);
    world.proxy.advance(std::chrono::seconds{1});
    const Message own = world.seen("/", std::string{name} + ": " + stolen + "\r\n");
    CHECK(own.head.find(stolen) == std::string::npos);
    CHECK(own.values("X-Keepsake-Assertion").size() == 1);
  }
}
