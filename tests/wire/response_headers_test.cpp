// response_headers: on every response of the route, whoever makes it.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string with_route(const std::string& route, const std::string& more = "") {
  return "listen: [{address: \"127.0.0.1:0\"}]\n"
         "backends: {app: {servers: [\"${BACKEND}\"]}}\n"
         "routes:\n"
         "  - {path: /setName, set: {myName: name}}\n"
         "  - {" +
         route +
         "}\n"
         "session: {secrets: [{env: SESSION_KEY}]}\n" +
         more;
}

struct Story {
  Message request;   // as the backend got it
  Message response;  // as the client got it
};

Story tell(const Proxy& proxy, Backend& backend, const std::string& target,
           const std::string& lines = "", std::string_view answer = kOk,
           const std::string& method = "GET") {
  Link client = proxy.connect();
  client.send(method + " " + target + " HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n");
  Link link = backend.accept();
  Story story;
  story.request = link.read_request();
  link.send(answer);
  link.shutdown_write();
  story.response = client.read_response(method == "HEAD");
  return story;
}

}  // namespace

TEST_CASE("response_headers stand on every response of the route", "[wire][rewrite][http1]") {
  Backend backend;
  Proxy proxy{
      "listen: [{address: \"127.0.0.1:0\"}]\n"
      "backends: {app: {servers: [\"${BACKEND}\"]}}\n"
      "routes:\n"
      "  - {path: /setName, set: {myName: name}, response_headers: {X-Frame-Options: DENY}}\n"
      "  - {path: \"/*\", backend: app, response_headers: {X-Frame-Options: DENY}}\n"
      "session: {secrets: [{env: SESSION_KEY}]}\n",
      {{"BACKEND", backend.url()}}};
  const auto check = [](const Message& response, unsigned status) {
    CAPTURE(response.head);
    CHECK(response.status() == status);
    CHECK(response.value("X-Frame-Options") == "DENY");
  };
  // an action, its refusals, and a method that it does not take
  check(proxy.ask("POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: "
                  "application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nname=Ada"),
        303);
  check(proxy.ask("POST /setName HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), 415);
  check(proxy.ask("GET /setName HTTP/1.1\r\nHost: a\r\n\r\n"), 405);
  // the backend's, in place of what it said
  const std::string theirs = "X-Frame-Options: SAMEORIGIN\r\nx-frame-options: x\r\n";
  check(tell(proxy, backend, "/", "", "HTTP/1.1 200 OK\r\n" + theirs + "Content-Length: 0\r\n\r\n")
            .response,
        200);
  check(tell(proxy, backend, "/", "", "HTTP/1.1 304 Not Modified\r\n" + theirs + "\r\n").response,
        304);
  check(tell(proxy, backend, "/", "", "HTTP/1.1 204 No Content\r\n\r\n").response, 204);
  check(tell(proxy, backend, "/", "", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD")
            .response,
        200);
  // errors
  check(tell(proxy, backend, "/", "", "nonsense\r\n\r\n").response, 502);
  backend.stop();
  check(proxy.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 502);
  check(proxy.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), 502);
  // what no route took
  CHECK_FALSE(proxy.ask("nonsense\r\n\r\n").has("X-Frame-Options"));
}

TEST_CASE("response_headers stand on a switch of protocols", "[wire][rewrite][upgrade]") {
  Backend backend;
  Proxy proxy{with_route("path: \"/*\", backend: app, response_headers: {X-Ours: ours}"),
              {{"BACKEND", backend.url()}}};
  CHECK(tell(proxy, backend, "/",
             "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: "
             "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
             "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Ours: 2\r\n\r\n")
            .response.value("X-Ours") == "ours");
}

TEST_CASE("a route's Cache-Control yields to what a session and an error need",
          "[wire][rewrite][session]") {
  Backend backend;
  Proxy proxy{
      with_route("path: \"/*\", backend: app, response_headers: {Cache-Control: max-age=60}",
                 "timeouts: {response: 1h}\n"),
      {{"BACKEND", backend.url()}}};
  const Message plain =
      tell(proxy, backend, "/", "",
           "HTTP/1.1 200 OK\r\nCache-Control: public\r\nContent-Length: 0\r\n\r\n")
          .response;
  CHECK(plain.value("Cache-Control") == "max-age=60");
  const std::string cookie = proxy
                                 .ask(
                                     "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: "
                                     "application/x-www-form-urlencoded\r\nContent-Length: "
                                     "8\r\n\r\nname=Ada")
                                 .set_cookie();
  proxy.advance(std::chrono::hours{25});
  const Message clearing =
      tell(proxy, backend, "/", "Cookie: session=" + cookie + "\r\n",
           "HTTP/1.1 200 OK\r\nCache-Control: public\r\nContent-Length: 0\r\n\r\n")
          .response;
  CHECK(clearing.has("Set-Cookie"));
  CHECK(clearing.value("Cache-Control") == "private, no-store");
  backend.stop();
  CHECK(proxy.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").value("Cache-Control") == "no-store");
}
