// Unix sockets on both sides.

#include <unistd.h>

#include <algorithm>

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake::test;

namespace {

// A folder of its own for the two sockets of a test.
struct Folder {
  Folder() : path("/tmp/keepsake-test-XXXXXX") { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Folder() {
    for (const char* name : {"/front", "/back"}) {
      ::unlink((path + name).c_str());
    }
    ::rmdir(path.c_str());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path;
};

const char* const kUnix = R"(
listen: [{address: "unix:${DIR}/front"}]
trusted_proxies: [0.0.0.0/0]
backends: {app: {servers: ["unix:${DIR}/back"]}}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
)";

}  // namespace

TEST_CASE("a client on a unix socket is forwarded as such", "[wire][unix]") {
  const Folder folder;
  Backend backend{folder.path + "/back"};
  Proxy proxy{kUnix, {{"DIR", folder.path}}};
  Link client = connect_to(folder.path + "/front");
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n");
  Link link = backend.accept();
  for (int i = 0; i < 2; ++i) {
    const Message request = link.read_request();
    CHECK(request.value("Host") == (i == 0 ? "a" : "localhost"));
    // nobody's address: it is not in any trusted network, and what it claims is not believed
    CHECK(request.value("X-Forwarded-For") == "unknown");
    CHECK(request.value("X-Forwarded-Port") == "80");
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    CHECK(client.read_response().body == "ok");
    client.send("GET / HTTP/1.0\r\n\r\n");
  }
}

TEST_CASE("a front proxy on a unix socket is believed where the configuration says so",
          "[wire][unix]") {
  const Folder folder;
  Backend backend{folder.path + "/back"};
  Proxy proxy{R"(
listen: [{address: "unix:${DIR}/front"}]
trusted_proxies: [unix]
backends: {app: {servers: ["unix:${DIR}/back"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/guarded/*", backend: app, allow: [203.0.113.0/24]}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}]}
)",
              {{"DIR", folder.path}}};
  Link client = connect_to(folder.path + "/front");
  const std::string said =
      "Host: inner\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.1\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: shop.example\r\n";
  client.send("GET /guarded/ HTTP/1.1\r\n" + said + "\r\n");
  Link link = backend.accept();
  const Message request = link.read_request();
  CHECK(request.value("X-Forwarded-For") == "6.6.6.6, 203.0.113.1");
  CHECK(request.value("X-Forwarded-Proto") == "https");
  CHECK(request.value("X-Forwarded-Host") == "shop.example");
  CHECK(request.value("X-Forwarded-Port") == "443");
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.read_response().status() == 200);
  client.send("POST /setName HTTP/1.1\r\n" + said +
              "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\n"
              "name=Ada");
  CHECK(client.read_response().value("Set-Cookie").find("; Secure") != std::string::npos);
  client.send("GET /guarded/ HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n");
  CHECK(client.read_response().status() == 403);
  client.send("GET /guarded/ HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_response().status() == 403);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(link.read_request().value("X-Forwarded-For") == "unknown");
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  client.read_response();
  proxy.wait_until("all is logged", [&] {
    const std::string log = proxy.access_log();
    return std::count(log.begin(), log.end(), '\n') == 5;
  });
  CHECK(proxy.access_log().starts_with("203.0.113.1 "));
  CHECK(proxy.access_log().find("\nunix ") != std::string::npos);
}

TEST_CASE("a socket file that nobody listens on is replaced, one in use is not", "[wire][unix]") {
  const Folder folder;
  Backend backend{folder.path + "/back"};
  {
    const Proxy gone{kUnix, {{"DIR", folder.path}}};
  }
  Proxy proxy{kUnix, {{"DIR", folder.path}}};
  CHECK_THROWS(Proxy{kUnix, {{"DIR", folder.path}}});
  Link client = connect_to(folder.path + "/front");
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  Link link = backend.accept();
  CHECK(link.read_request().start_line() == "GET / HTTP/1.1");
}
