// One Keepsake in front of several hosts: what a cookie of one is worth at another.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

std::string config(std::string_view more) {
  return R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  )" + std::string{more} +
         "\n";
}

std::string arrive(const Proxy& proxy, std::string_view host) {
  return proxy
      .ask("POST /setName HTTP/1.1\r\nHost: " + std::string{host} +
           "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\n"
           "name=Ada")
      .set_cookie();
}

struct Visit {
  std::string name;
  std::string cookie;
};

Visit visit(const Proxy& proxy, Backend& backend, const std::string& cookie, std::string_view host,
            std::string_view target = "/") {
  Link client = proxy.connect();
  client.send("GET " + std::string{target} + " HTTP/1.1\r\nHost: " + std::string{host} +
              "\r\nCookie: session=" + cookie + "\r\n\r\n");
  Link link = backend.accept();
  Visit seen;
  seen.name = link.read_request().value("X-Session-Name");
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  seen.cookie = client.read_response().set_cookie();
  return seen;
}

}  // namespace

TEST_CASE("hosts of one proxy share their sessions unless cookies are bound to them (S-12)",
          "[wire][bind_host]") {
  const std::string store = GENERATE(std::string{"cookie"}, std::string{"memory"});
  const bool bound = GENERATE(false, true);
  CAPTURE(store, bound);
  Backend backend;
  Proxy proxy{
      config("store: " + store + "\n  cookie: {bind_host: " + (bound ? "true" : "false") + "}"),
      {{"BACKEND", backend.url()}}};
  const std::string cookie = arrive(proxy, "a.example");
  CHECK(visit(proxy, backend, cookie, "a.example").name == "Ada");
  const Visit stranger = visit(proxy, backend, cookie, "b.example");
  CHECK(stranger.name == (bound ? "(absent)" : "Ada"));
  CHECK(stranger.cookie == "(absent)");  // it is the other host's, and stays
  CHECK(proxy.count(Counter::RejectedForged) == (bound ? 1 : 0));
}

TEST_CASE("a host is the same host in any case, with any port and in an absolute target",
          "[wire][bind_host][http1]") {
  Backend backend;
  Proxy proxy{config("cookie: {bind_host: true}"), {{"BACKEND", backend.url()}}};
  const std::string cookie = arrive(proxy, "A.example:8080");
  CHECK(visit(proxy, backend, cookie, "a.example").name == "Ada");
  CHECK(visit(proxy, backend, cookie, "a.EXAMPLE:80").name == "Ada");
  CHECK(visit(proxy, backend, cookie, "a.example", "http://a.example/x").name == "Ada");
  for (const char* other : {"a.example.org", "xa.example", "example", "127.0.0.1", "[::1]"}) {
    CAPTURE(other);
    CHECK(visit(proxy, backend, cookie, other).name == "(absent)");
  }
}

TEST_CASE("a touched cookie stays bound to its host", "[wire][bind_host][lifetime]") {
  Backend backend;
  Proxy proxy{config("cookie: {bind_host: true}"), {{"BACKEND", backend.url()}}};
  const std::string cookie = arrive(proxy, "a.example");
  proxy.advance(std::chrono::seconds{61});
  const Visit touched = visit(proxy, backend, cookie, "a.example");
  CHECK(touched.name == "Ada");
  REQUIRE(touched.cookie != "(absent)");
  CHECK(visit(proxy, backend, touched.cookie, "a.example").name == "Ada");
  CHECK(visit(proxy, backend, touched.cookie, "b.example").name == "(absent)");
}
