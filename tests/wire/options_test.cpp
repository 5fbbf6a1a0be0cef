// OPTIONS that Keepsake answers itself, and Max-Forwards (RFC 9110 7.6.2).

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

Message answered(const Proxy& proxy, Backend& backend, const std::string& request) {
  Link client = proxy.connect();
  client.send(request);
  const Message response = client.read_response();
  CHECK_FALSE(backend.has_connection());
  return response;
}

std::string options(const std::string& target, const std::string& hops) {
  return "OPTIONS " + target + " HTTP/1.1\r\nHost: a\r\nMax-Forwards: " + hops + "\r\n\r\n";
}

}  // namespace

TEST_CASE("the whole server's options are Keepsake's to tell", "[wire][options][http1]") {
  Backend backend;
  Proxy proxy{backend};
  for (const char* target : {"*", "http://a", "http://a:80"}) {
    const Message response =
        answered(proxy, backend, "OPTIONS " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(response.status() == 204);
    CHECK(response.value("Allow") == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    CHECK_FALSE(response.has("Content-Length"));
    CHECK_FALSE(response.has("Set-Cookie"));
  }
}

TEST_CASE("OPTIONS that may not go on are answered", "[wire][options]") {
  Backend backend;
  Proxy proxy{backend};
  for (const char* none : {"0", "00"}) {
    const Message response = answered(proxy, backend, options("/x", none));
    CHECK(response.status() == 204);
    CHECK(response.value("Allow") == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  }
  CHECK(answered(proxy, backend, options("/setName", "0")).status() == 405);
}

TEST_CASE("Allow of such an answer has the methods of the route", "[wire][options]") {
  Backend backend;
  Proxy proxy{
      "listen: [{address: \"127.0.0.1:0\"}]\n"
      "backends: {app: {servers: [\"${BACKEND}\"]}}\n"
      "session: {secrets: [{env: SESSION_KEY}]}\n"
      "routes:\n"
      "  - {path: \"/*\", backend: app, methods: [GET, OPTIONS]}\n",
      {{"BACKEND", backend.url()}}};
  CHECK(answered(proxy, backend, options("/x", "0")).value("Allow") == "GET, OPTIONS");
}

TEST_CASE("a larger Max-Forwards goes on less one, of OPTIONS alone", "[wire][options]") {
  Backend backend;
  Proxy proxy{backend};
  const auto [request, expected] = GENERATE(table<std::string, std::string>({
      {options("/x", "1"), "0"},
      {options("/x", "10"), "9"},
      {options("/x", "99999999999999999999999"), "4294967294"},
      {"GET /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 5\r\n\r\n", "5"},
      {"GET /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n", "0"},
      {"GET /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: many\r\n\r\n", "many"},
  }));
  CAPTURE(request);
  Link client = proxy.connect();
  client.send(request);
  Link link = backend.accept();
  CHECK(link.read_request().values("Max-Forwards") == std::vector<std::string>{expected});
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.read_response().status() == 200);
}

TEST_CASE("a Max-Forwards that is not one number is refused", "[wire][options]") {
  Backend backend;
  Proxy proxy{backend};
  for (const char* hops :
       {"-1", "+1", "1.0", "x", "", "1, 1", "1\r\nMax-Forwards: 1", "0\r\nMax-Forwards: 5"}) {
    CAPTURE(hops);
    CHECK(answered(proxy, backend, options("/x", hops)).status() == 400);
  }
}
