// How a route changes the target and the headers on their way; and what it cannot change.

#include <openssl/hmac.h>

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

std::string target_of(const Message& request) {
  const std::string line = request.start_line();
  const std::size_t start = line.find(' ') + 1;
  return line.substr(start, line.rfind(' ') - start);
}

}  // namespace

TEST_CASE("a prefix of the path is stripped by whole segments, the rest stays byte for byte",
          "[wire][rewrite][http1]") {
  Backend backend;
  Proxy proxy{with_route("path: \"/*\", backend: app, rewrite: {strip_prefix: /api}"),
              {{"BACKEND", backend.url()}}};
  const auto [target, expected] = GENERATE(table<std::string, std::string>({
      {"/api/x", "/x"},
      {"/api/", "/"},
      {"/api", "/"},
      {"/api?a=/api/../b%20", "/?a=/api/../b%20"},
      {"/api/x?", "/x?"},
      {"/api/x?a=1&b=%2f..", "/x?a=1&b=%2f.."},
      {"/apix", "/apix"},
      {"/API/x", "/API/x"},
      {"/x/api/y", "/x/api/y"},
      {"/api%2fx", "/api%2fx"},
      {"/api/a%2Fb%2fc", "/a%2Fb%2fc"},
      {"/api/%7euser/a%20b", "/%7euser/a%20b"},
      {"/api//x", "//x"},
      {"/api/%zz", "/%zz"},
      // Written in another way, or with dot segments across the prefix: the normal form counts.
      {"/%61pi/%7euser", "/~user"},
      {"/x/../api/y", "/y"},
      {"/./api/y", "/y"},
      {"/api/./y", "/./y"},
      {"/api/a/../y", "/a/../y"},
      {"/api/a/../../api/y", "/y"},
      {"/api/../api/y", "/y"},
      {"/api/../x", "/api/../x"},
      {"/api/..", "/api/.."},
      {"http://a/api/x?q", "/x?q"},
  }));
  CAPTURE(target);
  CHECK(target_of(tell(proxy, backend, target).request) == expected);
}

TEST_CASE("a prefix is put in front of the path", "[wire][rewrite]") {
  Backend backend;
  Proxy proxy{with_route("path: \"/*\", backend: app, rewrite: {add_prefix: /v1/app}"),
              {{"BACKEND", backend.url()}}};
  CHECK(target_of(tell(proxy, backend, "/x?q").request) == "/v1/app/x?q");
  CHECK(target_of(tell(proxy, backend, "/").request) == "/v1/app/");
  CHECK(target_of(tell(proxy, backend, "/a/../x").request) == "/v1/app/a/../x");
}

TEST_CASE("one prefix takes the place of another", "[wire][rewrite][http1]") {
  Backend backend;
  Proxy proxy{
      with_route("path: \"/api/*\", backend: app, rewrite: {strip_prefix: /api, add_prefix: /v1}"),
      {{"BACKEND", backend.url()}}};
  CHECK(target_of(tell(proxy, backend, "/api/x").request) == "/v1/x");
  CHECK(target_of(tell(proxy, backend, "/api").request) == "/v1");
  CHECK(target_of(tell(proxy, backend, "/api?q").request) == "/v1?q");
  CHECK(target_of(tell(proxy, backend, "/api/").request) == "/v1/");
  CHECK(target_of(tell(proxy, backend, "http://a/api/x").request) == "/v1/x");
}

TEST_CASE("no spelling of dots climbs out of a prefix", "[wire][rewrite]") {
  Backend backend;
  Proxy proxy{
      with_route("path: \"/api/*\", backend: app, rewrite: {strip_prefix: /api, add_prefix: /v1}"),
      {{"BACKEND", backend.url()}}};
  // %2f and the backslash are ordinary bytes for routes; some backend takes them for a slash.
  for (const char* target :
       {"/api/..%2fx", "/api/%2e%2e%2Fx", "/api/a%2f..%2f..%2fx", "/api/..\\x", "/api/..%5Cx",
        "/api/a/..%2f../x", "/api/.%2e%5c", "/api/a%2f../..%2fx"}) {
    CAPTURE(target);
    const Message response =
        proxy.ask("GET " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(response.status() == 400);
    CHECK_FALSE(backend.has_connection());
  }
  CHECK(target_of(tell(proxy, backend, "/api/a%2f..%2fx").request) == "/v1/a%2f..%2fx");
  CHECK(target_of(tell(proxy, backend, "/api/..x/.../x..").request) == "/v1/..x/.../x..");
  // Above the prefix by plain dots is another route, or none.
  CHECK(proxy.ask("GET /api/../x HTTP/1.1\r\nHost: a\r\n\r\n").status() == 404);
  CHECK(proxy.ask("GET /api/%2e%2e/x HTTP/1.1\r\nHost: a\r\n\r\n").status() == 404);
}

TEST_CASE("a retried request is rewritten once", "[wire][rewrite]") {
  Backend backend;
  Proxy proxy{with_route("path: \"/*\", backend: app, rewrite: {add_prefix: /v1}"),
              {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  Link link = backend.accept();
  CHECK(target_of(link.read_request()) == "/v1/a");
  link.send(kOk);
  client.read_response();
  // The kept link breaks under the next request, which is sent again.
  client.send("GET /b HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(target_of(link.read_request()) == "/v1/b");
  link.close();
  Link fresh = backend.accept();
  CHECK(target_of(fresh.read_request()) == "/v1/b");
  fresh.send(kOk);
  CHECK(client.read_response().status() == 200);
}

TEST_CASE("Location comes as the backend sent it", "[wire][rewrite]") {
  Backend backend;
  Proxy proxy{with_route("path: \"/api/*\", backend: app, rewrite: {strip_prefix: /api}"),
              {{"BACKEND", backend.url()}}};
  CHECK(tell(proxy, backend, "/api/x", "",
             "HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n")
            .response.value("Location") == "/y");
}

TEST_CASE("request headers are set in place of the client's, in any spelling, and removed",
          "[wire][rewrite]") {
  Backend backend;
  Proxy proxy{with_route("path: \"/*\", backend: app, rewrite: {set_request_headers: {X-Set: ours, "
                         "User-Agent: keepsake}, remove_request_headers: [X-Gone, Referer]}"),
              {{"BACKEND", backend.url()}}};
  const Message request =
      tell(proxy, backend, "/",
           "X-Set: theirs\r\nx-set: theirs\r\nX_Set: theirs\r\nX-Gone: 1\r\nx_GONE: 2\r\n"
           "User-Agent: curl\r\nReferer: http://a/\r\nX-Setting: kept\r\n")
          .request;
  CHECK(request.value("X-Set") == "ours");
  CHECK(request.value("User-Agent") == "keepsake");
  CHECK(request.value("X-Setting") == "kept");
  for (const char* name : {"X_Set", "X-Gone", "X_Gone", "Referer"}) {
    CAPTURE(name);
    CHECK_FALSE(request.has(name));
  }
}

TEST_CASE("a route can tell the backend of the prefix that it strips, and nobody else can",
          "[wire][rewrite]") {
  Backend backend;
  Proxy proxy{with_route("path: \"/*\", backend: app, rewrite: {strip_prefix: /api, "
                         "set_request_headers: {X-Forwarded-Prefix: /api}}",
                         GENERATE("", "trusted_proxies: [127.0.0.1]\n")),
              {{"BACKEND", backend.url()}}};
  const Message request =
      tell(
          proxy, backend, "/api/x",
          "X-Forwarded-Prefix: /evil\r\nx-forwarded-prefix: /evil\r\nX_Forwarded_Prefix: /evil\r\n")
          .request;
  CHECK(request.value("X-Forwarded-Prefix") == "/api");
  CHECK_FALSE(request.has("X_Forwarded_Prefix"));
}

TEST_CASE("Connection cannot take out a header that the route sets", "[wire][rewrite]") {
  Backend backend;
  Proxy proxy{
      with_route("path: \"/*\", backend: app, rewrite: {set_request_headers: {X-Set: ours}, "
                 "remove_request_headers: [X-Gone], set_response_headers: {X-Back: ours}, "
                 "remove_response_headers: [X-Hidden]}"),
      {{"BACKEND", backend.url()}}};
  const Story story =
      tell(proxy, backend, "/", "Connection: X-Set, X-Gone\r\nX-Set: theirs\r\nX-Gone: 1\r\n",
           "HTTP/1.1 200 OK\r\nConnection: X-Back, X-Hidden\r\nX-Back: theirs\r\nX-Hidden: 1\r\n"
           "Content-Length: 0\r\n\r\n");
  CHECK(story.request.value("X-Set") == "ours");
  CHECK_FALSE(story.request.has("X-Gone"));
  CHECK_FALSE(story.request.has("Connection"));
  CHECK(story.response.value("X-Back") == "ours");
  CHECK_FALSE(story.response.has("X-Hidden"));
}

TEST_CASE("response headers are set in place of the backend's and removed", "[wire][rewrite]") {
  Backend backend;
  Proxy proxy{with_route("path: \"/*\", backend: app, rewrite: {set_response_headers: {Server: x, "
                         "X-Set: ours}, remove_response_headers: [X-Powered-By]}"),
              {{"BACKEND", backend.url()}}};
  const Message response =
      tell(proxy, backend, "/", "",
           "HTTP/1.1 200 OK\r\nServer: nginx\r\nx-set: 1\r\nX-Set: 2\r\nX-Powered-By: PHP\r\n"
           "X-Kept: 1\r\nContent-Length: 0\r\n\r\n")
          .response;
  CHECK(response.value("Server") == "x");
  CHECK(response.value("X-Set") == "ours");
  CHECK_FALSE(response.has("X-Powered-By"));
  CHECK(response.value("X-Kept") == "1");
  // They are about what the backend says, not about pages of Keepsake's own.
  backend.stop();
  const Message error = proxy.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(error.status() == 502);
  CHECK_FALSE(error.has("X-Set"));
}

TEST_CASE("a removed header does not come back as a trailer or in an interim response",
          "[wire][rewrite]") {
  Backend backend;
  Proxy proxy{
      with_route("path: \"/*\", backend: app, rewrite: {remove_response_headers: [X-Hidden]}"),
      {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
  Link link = backend.accept();
  link.read_request();
  link.send(
      "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nX-Hidden: 1\r\n\r\n"
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2\r\nok\r\n0\r\nX-Hidden: 2\r\nX-Open: 3\r\n\r\n");
  const Message hints = client.read_response();
  CHECK(hints.status() == 103);
  CHECK(hints.value("Link") == "</x>");
  CHECK_FALSE(hints.has("X-Hidden"));
  const Message response = client.read_response();
  CHECK(response.trailers == "X-Open: 3\r\n");
}

TEST_CASE("session headers stand on a rewritten request", "[wire][rewrite][session]") {
  Backend backend;
  Proxy proxy{with_route("path: \"/*\", backend: app, rewrite: {strip_prefix: /api, "
                         "set_request_headers: {X-Other: ours}, remove_request_headers: [X-Gone]}"),
              {{"BACKEND", backend.url()}}};
  const std::string cookie =
      proxy
          .ask(
              "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: "
              "application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nname=Ada")
          .set_cookie();
  const Message request =
      tell(proxy, backend, "/api/x", "Cookie: session=" + cookie + "\r\nX-Session-Name: Eve\r\n")
          .request;
  CHECK(request.value("X-Session-Name") == "Ada");
  CHECK(request.value("X-Other") == "ours");
  CHECK(target_of(request) == "/x");
}

TEST_CASE("an assertion is over the target that the backend gets", "[wire][rewrite][session]") {
  Backend backend;
  Proxy proxy{
      "listen: [{address: \"127.0.0.1:0\"}]\n"
      "backends: {app: {servers: [\"${BACKEND}\"], assertion: {secret: {env: OTHER_KEY}}}}\n"
      "routes: [{path: \"/*\", backend: app, rewrite: {strip_prefix: /api, add_prefix: /v1}}]\n"
      "session: {secrets: [{env: SESSION_KEY}]}\n",
      {{"BACKEND", backend.url()}}};
  const Message request = tell(proxy, backend, "/api/x?q").request;
  const std::string assertion = request.value("X-Keepsake-Assertion");
  const std::size_t time = assertion.find("t=") + 2;
  const std::string message = "keepsake assertion v1\nGET\n" + target_of(request) + "\n" +
                              assertion.substr(time, assertion.find(' ', time) - time) +
                              "\nx-session-name:\n";
  CHECK(target_of(request) == "/v1/x?q");
  unsigned char mac[32];
  unsigned size = 0;
  HMAC(EVP_sha256(), kOtherSecret.data(), static_cast<int>(kOtherSecret.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac, &size);
  std::string hex;
  for (const unsigned char byte : mac) {
    hex += "0123456789abcdef"[byte >> 4U];
    hex += "0123456789abcdef"[byte & 15U];
  }
  CHECK(assertion.ends_with(" s=" + hex));
}
