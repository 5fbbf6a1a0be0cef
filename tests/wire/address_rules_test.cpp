// allow and deny: who may have a route.

#include <unistd.h>

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string with_routes(const std::string& routes, const std::string& listen = "\"127.0.0.1:0\"") {
  return "listen: [{address: " + listen +
         "}]\n"
         "trusted_proxies: [127.0.0.1, 10.0.0.0/8]\n"
         "backends: {app: {servers: [\"${BACKEND}\"]}}\n"
         "session: {secrets: [{env: SESSION_KEY}]}\n"
         "routes:\n" +
         routes;
}

unsigned status_on(Link client, Backend& backend, const std::string& request) {
  client.send(request);
  for (int i = 0; i < 5'000 && !client.readable(); ++i) {
    if (backend.has_connection(std::chrono::milliseconds{2})) {
      Link link = backend.accept();
      link.read_request();
      link.send(kOk);
      link.shutdown_write();
      break;
    }
  }
  return client.read_response().status();
}

std::string from(const std::string& address, const std::string& path = "/") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + address + "\r\n\r\n";
}

}  // namespace

TEST_CASE("only the allowed addresses have a route, and the denied ones never", "[wire][address]") {
  Backend backend;
  Proxy proxy{with_routes("  - path: \"/*\"\n"
                          "    backend: app\n"
                          "    allow: [203.0.113.0/24, \"2001:db8::/32\"]\n"
                          "    deny: [203.0.113.128/25]\n"),
              {{"BACKEND", backend.url()}}};
  const auto [address, status] = GENERATE(table<std::string, unsigned>({
      {"203.0.113.1", 200},
      {"203.0.113.127", 200},
      {"203.0.113.128", 403},
      {"203.0.114.1", 403},
      {"::ffff:203.0.113.1", 200},
      {"2001:db8:ffff::1", 200},
      {"2001:db9::1", 403},
      {"203.0.113.1, 6.6.6.6", 403},
      {"6.6.6.6, 203.0.113.1, 10.1.1.1", 200},
      {"nonsense", 403},  // then it is the peer, which is not allowed
  }));
  CAPTURE(address);
  CHECK(status_on(proxy.connect(), backend, from(address)) == status);
  CHECK(proxy.count(Counter::AddressDenied) == (status == 403 ? 1 : 0));
}

TEST_CASE("a deny list alone lets everybody else in", "[wire][address]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: \"/*\", backend: app, deny: [203.0.113.0/24]}\n"),
              {{"BACKEND", backend.url()}}};
  CHECK(status_on(proxy.connect(), backend, from("203.0.113.1")) == 403);
  CHECK(status_on(proxy.connect(), backend, from("198.51.100.1")) == 200);
}

TEST_CASE("a client that nobody trusts cannot borrow an allowed address", "[wire][address]") {
  Backend backend;
  std::string yaml = with_routes("  - {path: \"/*\", backend: app, allow: [203.0.113.0/24]}\n");
  yaml.replace(yaml.find("trusted_proxies"), yaml.find("backends") - yaml.find("trusted_proxies"),
               "");
  Proxy proxy{yaml, {{"BACKEND", backend.url()}}};
  CHECK(status_on(proxy.connect(), backend, from("203.0.113.1")) == 403);
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("a refused address is told so and nothing of its session changes",
          "[wire][address][session][http1]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: /setName, set: {myName: name}, deny: [203.0.113.0/24]}\n"
                          "  - {path: /static, backend: app, session: false, deny: [0.0.0.0/0]}\n"
                          "  - {path: \"/*\", backend: app}\n"),
              {{"BACKEND", backend.url()}}};
  const Message refused = proxy.ask(
      "POST /setName HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.1\r\nCookie: "
      "session=nonsense\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
      "8\r\n\r\nname=Ada");
  CHECK(refused.status() == 403);
  CHECK(refused.value("Vary") == "Cookie");
  CHECK_FALSE(refused.has("Set-Cookie"));
  CHECK(refused.value("Connection") == "close");
  CHECK(refused.body.find("203.0.113") == std::string::npos);
  const Message plain = proxy.ask(from("6.6.6.6", "/static"));
  CHECK(plain.status() == 403);
  CHECK_FALSE(plain.has("Vary"));
  const Message head = proxy.ask("HEAD /static HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(head.status() == 403);
}

TEST_CASE("a client on a unix socket has no address that could be allowed or denied",
          "[wire][address][unix]") {
  std::string folder = "/tmp/keepsake-test-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  Backend backend;
  {
    Proxy proxy{
        with_routes("  - {path: /denying, backend: app, deny: [0.0.0.0/0, \"::/0\"]}\n"
                    "  - {path: /allowing, backend: app, allow: [0.0.0.0/0, \"::/0\"]}\n"
                    "  - {path: /limited, backend: app, rate_limits: [{requests: 2, every: 1h}]}\n",
                    "\"unix:" + folder + "/front\""),
        {{"BACKEND", backend.url()}}};
    const auto status = [&](const std::string& path) {
      return status_on(connect_to(folder + "/front"), backend, from("203.0.113.1", path));
    };
    CHECK(status("/denying") == 200);
    CHECK(status("/allowing") == 403);
    // For a limit all of them are one client.
    CHECK(status("/limited") == 200);
    CHECK(status("/limited") == 200);
    CHECK(status("/limited") == 429);
  }
  ::unlink((folder + "/front").c_str());
  ::rmdir(folder.c_str());
}
