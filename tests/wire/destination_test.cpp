// The second target of WebDAV's COPY and MOVE, and the locations that backends answer with.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

std::string with_routes(const std::string& routes, const std::string& more = "") {
  return "listen: [{address: \"127.0.0.1:0\"}]\n"
         "trusted_proxies: [127.0.0.1]\n"
         "backends: {app: {servers: [\"${BACKEND}\"]" +
         more +
         "}}\n"
         "session: {secrets: [{env: SESSION_KEY}]}\n"
         "routes:\n" +
         routes;
}

std::string move_to(const std::string& destination, const std::string& more = "",
                    const std::string& from = "/dav/a") {
  return "MOVE " + from + " HTTP/1.1\r\nHost: a.example\r\n" + more +
         "Destination: " + destination + "\r\n\r\n";
}

// The Destination that the backend gets; "403" and so on if it gets none.
std::string forwarded(const Proxy& proxy, Backend& backend, const std::string& request) {
  Link client = proxy.connect();
  client.send(request);
  for (int i = 0; i < 5'000 && !client.readable(); ++i) {
    if (backend.has_connection(std::chrono::milliseconds{2})) {
      Link link = backend.accept();
      const Message seen = link.read_request();
      link.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      CHECK(client.read_response().status() == 201);
      return seen.value("Destination");
    }
  }
  return std::to_string(client.read_response().status());
}

// What the client gets of a backend's lines.
Message answered(const Proxy& proxy, Backend& backend, const std::string& request,
                 const std::string& lines) {
  Link client = proxy.connect();
  client.send(request);
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 302 Found\r\n" + lines + "Content-Length: 0\r\nConnection: close\r\n\r\n");
  return client.read_response();
}

}  // namespace

TEST_CASE("a destination below the same route passes as it came", "[wire][destination]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: \"/dav/*\", backend: app}\n"
                          "  - {path: \"/*\", backend: app}\n"),
              {{"BACKEND", backend.url()}}};
  for (const std::string destination : {"http://a.example/dav/b", "http://A.Example.:80/dav/b?c",
                                        "/dav/b", "/dav/%62", "/dav", "/x/../dav/y", "/dav//B;c"}) {
    CAPTURE(destination);
    CHECK(forwarded(proxy, backend, move_to(destination)) == destination);
  }
}

TEST_CASE("a destination on another host, port or route is refused", "[wire][destination]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: \"/dav/private/*\", backend: app, deny: [127.0.0.0/8]}\n"
                          "  - {path: \"/dav/*\", backend: app}\n"
                          "  - {path: \"/*\", backend: app}\n"),
              {{"BACKEND", backend.url()}}};
  for (const std::string destination :
       {"http://b.example/dav/b", "http://a.example:8080/dav/b", "https://a.example/dav/b",
        "http://a.example/other", "/other", "/dav/private/x", "/dav/Private/x",
        "/dav/x%2f..%2f/private", "/dav//private/x", "/dav/../x", "/..", "dav/b", "*", "",
        "ftp://a.example/dav/b", "http://u@a.example/dav/b", "//a.example/dav/b",
        "/dav/b\r\nDestination: /dav/c", "/dav/b#c"}) {
    CAPTURE(destination);
    CHECK(forwarded(proxy, backend, move_to(destination)) == "403");
  }
  CHECK(forwarded(proxy, backend,
                  move_to("https://a.example/dav/b", "X-Forwarded-Proto: https\r\n")) ==
        "https://a.example/dav/b");
  CHECK(forwarded(proxy, backend,
                  move_to("http://out.example/dav/b", "X-Forwarded-Host: out.example\r\n")) ==
        "http://out.example/dav/b");
}

TEST_CASE("with rewrite.location a destination is written as the backend sees it",
          "[wire][destination]") {
  Backend backend;
  const std::string address = "127.0.0.1:" + std::to_string(backend.port());
  const std::string route =
      "  - {path: \"/dav/*\", backend: app, rewrite: {strip_prefix: /dav, add_prefix: /files, "
      "location: true}}\n";
  {
    Proxy proxy{with_routes(route), {{"BACKEND", backend.url()}}};
    CHECK(forwarded(proxy, backend, move_to("/dav/b?x")) == "/files/b?x");
    CHECK(forwarded(proxy, backend,
                    move_to("https://a.example/dav/b", "X-Forwarded-Proto: https\r\n")) ==
          "http://a.example/files/b");
    CHECK(forwarded(proxy, backend, move_to("/dav/%2e%2e%2fb")) == "403");
  }
  Proxy proxy{with_routes(route, ", host: backend"), {{"BACKEND", backend.url()}}};
  CHECK(forwarded(proxy, backend, move_to("http://a.example/dav/b")) ==
        "http://" + address + "/files/b");
}

TEST_CASE("with rewrite.location what a backend says of its place follows the visitor's",
          "[wire][location]") {
  Backend backend;
  const std::string address = "http://127.0.0.1:" + std::to_string(backend.port());
  Proxy proxy{with_routes("  - {path: \"/api/*\", backend: app, rewrite: {strip_prefix: /api, "
                          "location: true}}\n"),
              {{"BACKEND", backend.url()}}};
  const Message response = answered(
      proxy, backend, "GET /api/x HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-Proto: https\r\n\r\n",
      "Location: " + address +
          "/login?next=/x\r\nContent-Location: /x.en\r\nSet-Cookie: a=b; Path=/; HttpOnly\r\n"
          "Set-Cookie: c=d\r\nSet-Cookie: e=f; Path=/g\r\nX-Other: /x\r\n");
  CHECK(response.values("Location") ==
        std::vector<std::string>{"https://a.example/api/login?next=/x"});
  CHECK(response.value("Content-Location") == "/api/x.en");
  CHECK(response.value("X-Other") == "/x");
  std::vector<std::string> cookies = response.values("Set-Cookie");
  std::sort(cookies.begin(), cookies.end());
  CHECK(cookies == std::vector<std::string>{"a=b; Path=/api; HttpOnly", "c=d", "e=f; Path=/api/g"});
}

TEST_CASE("without rewrite.location what a backend says stays", "[wire][location]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: \"/api/*\", backend: app, rewrite: {strip_prefix: /api}}\n"),
              {{"BACKEND", backend.url()}}};
  const Message response =
      answered(proxy, backend, "GET /api/x HTTP/1.1\r\nHost: a.example\r\n\r\n",
               "Location: /login\r\nSet-Cookie: a=b; Path=/\r\n");
  CHECK(response.value("Location") == "/login");
  CHECK(response.value("Set-Cookie") == "a=b; Path=/");
}

TEST_CASE("one exchange's moved lines are not another's", "[wire][location]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: \"/api/*\", backend: app, rewrite: {strip_prefix: /api, "
                          "location: true}}\n"),
              {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  client.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n");
  Link link = backend.accept();
  link.read_request();
  link.send(
      "HTTP/1.1 103 Early Hints\r\nLocation: /hint\r\n\r\n"
      "HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.read_response().status() == 103);
  CHECK(client.read_response().value("Location") == "/api/y");
  client.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n");
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK_FALSE(client.read_response().has("Location"));
}
