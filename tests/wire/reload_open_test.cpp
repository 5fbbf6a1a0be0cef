// A reload and the connections that are open: each exchange goes by the configuration that it
// begins under, whom it trusts included.

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

std::string yaml(const Backend& backend, std::string_view listen, std::string_view more) {
  return "listen: [{address: \"127.0.0.1:0\"" + std::string{listen} +
         "}]\nbackends: {app: {servers: [\"" + backend.url() + R"("]}}
routes:
  - {path: "/guarded/*", backend: app, allow: [203.0.113.0/24]}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}]}
)" + std::string{more} +
         "\n";
}

// One exchange on `client`, which stays open; what the backend got of it.
Message exchange(Link& client, Backend& backend, const std::string& bytes) {
  client.send(bytes);
  Link link = backend.accept();
  Message request = link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  CHECK(client.read_response().status() == 200);
  return request;
}

const std::string kSays =
    "Host: a\r\nX-Forwarded-For: 203.0.113.1\r\nX-Forwarded-Proto: https\r\n"
    "X-Request-Id: chosen\r\n\r\n";

}  // namespace

TEST_CASE("a proxy that a reload no longer trusts is not believed on open connections",
          "[wire][reload]") {
  Backend backend;
  const std::string trusting = yaml(backend, "", "trusted_proxies: [127.0.0.0/8]");
  const std::string other = yaml(backend, "", "trusted_proxies: [10.0.0.0/8]");
  Proxy proxy{trusting, {}};
  Link client = proxy.connect();
  const auto believed = [&] {
    const Message request = exchange(client, backend, "GET / HTTP/1.1\r\n" + kSays);
    const bool trusted = request.value("X-Request-Id") == "chosen";
    CHECK(request.value("X-Forwarded-For") == (trusted ? "203.0.113.1, 127.0.0.1" : "127.0.0.1"));
    CHECK(request.value("X-Forwarded-Proto") == (trusted ? "https" : "http"));
    CHECK(request.value("X-Forwarded-Port") == (trusted ? "443" : "80"));
    return trusted;
  };
  CHECK(believed());
  proxy.reload(other);
  CHECK_FALSE(believed());
  client.send("GET /guarded/ HTTP/1.1\r\n" + kSays);
  CHECK(client.read_response().status() == 403);
  proxy.reload(trusting);
  CHECK(believed());
}

TEST_CASE("a balancer that a reload no longer trusts has no word on TLS or addresses left",
          "[wire][reload][proxy_protocol]") {
  Backend backend;
  const auto trust = [&](const std::string& networks) {
    return yaml(backend, ", proxy_protocol: true", "trusted_proxies: [" + networks + "]");
  };
  Proxy proxy{trust("127.0.0.1, 10.0.0.0/8"), {}};
  Link client = proxy.connect();
  // From 10.1.2.3, over TLS.
  const std::string header{
      "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x14\x0a\x01\x02\x03\xc0\x00\x02\x01\x12\x34\x01\xbb"
      "\x20\x00\x05\x01\0\0\0\0",
      36};
  const std::string plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  CHECK(exchange(client, backend, header + plain).value("X-Forwarded-Proto") == "https");
  CHECK(exchange(client, backend, "GET / HTTP/1.1\r\n" + kSays).value("X-Forwarded-For") ==
        "203.0.113.1, 10.1.2.3");
  proxy.reload(trust("10.0.0.0/8"));
  CHECK(exchange(client, backend, plain).value("X-Forwarded-Proto") == "http");
  CHECK(exchange(client, backend, "GET / HTTP/1.1\r\n" + kSays).value("X-Forwarded-For") ==
        "10.1.2.3");
}

TEST_CASE("redirect_to_https of a reload holds on open connections", "[wire][reload]") {
  Backend backend;
  Proxy proxy{yaml(backend, "", ""), {}};
  Link client = proxy.connect();
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  exchange(client, backend, request);
  proxy.reload(yaml(backend, ", redirect_to_https: true", ""));
  client.send(request);
  CHECK(client.read_response().value("Location") == "https://a/");
  proxy.reload(yaml(backend, ", redirect_to_https: 8443", ""));
  client.send(request);
  CHECK(client.read_response().value("Location") == "https://a:8443/");
  proxy.reload(yaml(backend, "", ""));
  exchange(client, backend, request);
}

TEST_CASE("limits and log fields of a reload hold on open connections", "[wire][reload]") {
  Backend backend;
  Proxy proxy{yaml(backend, "", ""), {}};
  Link client = proxy.connect();
  exchange(client, backend, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  proxy.reload(yaml(backend, "", "log: {fields: [method, host]}\nlimits: {body: 4B, target: 64B}"));
  exchange(client, backend, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  proxy.wait_until("the line is there",
                   [&] { return proxy.access_log().find("\"GET\" \"a\"\n") != std::string::npos; });
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(client.read_response().status() == 413);
  Link second = proxy.connect();
  second.send("GET /" + std::string(100, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(second.read_response().status() == 414);
}
