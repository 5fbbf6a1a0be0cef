// No other form of a host and no other spelling of a path leads around a guarded route.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string with_routes(const std::string& routes) {
  return "listen: [{address: \"127.0.0.1:0\"}]\n"
         "backends: {app: {servers: [\"${BACKEND}\"]}}\n"
         "session: {secrets: [{env: SESSION_KEY}]}\n"
         "routes:\n" +
         routes;
}

// The status that the client gets; 200 if the backend was asked.
unsigned status_of(const Proxy& proxy, Backend& backend, const std::string& request) {
  Link client = proxy.connect();
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

std::string get(const std::string& path, const std::string& host = "a") {
  return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

}  // namespace

TEST_CASE("a guarded host is met in every form of its name", "[wire][guard][host][http1]") {
  Backend backend;
  Proxy proxy{
      with_routes("  - {path: \"/*\", host: admin.test, backend: app, deny: [127.0.0.0/8]}\n"
                  "  - {path: \"/*\", backend: app}\n"),
      {{"BACKEND", backend.url()}}};
  for (const char* host : {"admin.test", "ADMIN.Test", "admin.test.", "admin.test:80",
                           "admin.test.:8080", "admin.test:", "%61dmin.test", "admin%2Etest."}) {
    CAPTURE(host);
    CHECK(status_of(proxy, backend, get("/", host)) == 403);
    CHECK(status_of(proxy, backend,
                    "GET http://" + std::string{host} + "/ HTTP/1.1\r\nHost: " + host +
                        "\r\n\r\n") == 403);
    CHECK(status_of(proxy, backend, "GET http://" + std::string{host} + " HTTP/1.0\r\n\r\n") ==
          403);
  }
  CHECK(status_of(proxy, backend, get("/", "admin.test..")) == 400);
  CHECK(status_of(proxy, backend, get("/", "other.test.")) == 200);
}

TEST_CASE("the backend gets the host as it came", "[wire][host]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: \"/*\", host: shop.test, backend: app}\n"),
              {{"BACKEND", backend.url()}}};
  for (const std::string host : {"Shop.Test.:8080", "shop.test.", "SHOP.test"}) {
    Link client = proxy.connect();
    client.send(get("/", host));
    Link link = backend.accept();
    CHECK(link.read_request().value("Host") == host);
    link.send(kOk);
    CHECK(client.read_response().status() == 200);
  }
}

TEST_CASE("no spelling of a path leads around a guard", "[wire][guard]") {
  const std::string guard =
      GENERATE(std::string{"deny: [127.0.0.0/8]"}, std::string{"allow: [203.0.113.0/24]"});
  Backend backend;
  Proxy proxy{with_routes("  - {path: \"/admin/*\", backend: app, " + guard +
                          "}\n  - {path: \"/*\", backend: app}\n"),
              {{"BACKEND", backend.url()}}};
  for (const char* path : {"/admin/x", "/%61dmin/x", "/./admin/x", "/x/../admin", "/admin//x"}) {
    CAPTURE(path);
    CHECK(status_of(proxy, backend, get(path)) == 403);
  }
  for (const char* path : {"//admin/x", "/admin%2fx", "/admin;a/x", "/ADMIN/x", "/admin\\x",
                           "/admin%5Cx", "/x/..;/admin/y", "/%2e%2fadmin", "/x%2f..%2fadmin"}) {
    CAPTURE(path);
    CHECK(status_of(proxy, backend, get(path)) == 400);
  }
  for (const char* path : {"/", "/x", "/X//y;z", "/administer", "/x/ADMIN"}) {
    CAPTURE(path);
    CHECK(status_of(proxy, backend, get(path)) == 200);
  }
  CHECK(proxy.log().find("guarded route /admin/*") != std::string::npos);
}

TEST_CASE("a refused spelling costs the client no connection", "[wire][guard]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: \"/admin/*\", backend: app, deny: [127.0.0.0/8]}\n"
                          "  - {path: \"/*\", backend: app}\n"),
              {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  client.send(get("/ADMIN") + get("/ADMIN"));
  CHECK(client.read_response().status() == 400);
  CHECK(client.read_response().status() == 400);
}

TEST_CASE("another spelling of a limited path counts against its limit", "[wire][guard][rate]") {
  const std::string per = GENERATE(std::string{"client"}, std::string{"session"});
  Backend backend;
  Proxy proxy{with_routes("  - {path: /login, backend: app, rate_limits: [{requests: 3, every: 1h, "
                          "per: " +
                          per +
                          "}]}\n"
                          "  - {path: \"/*\", backend: app}\n"),
              {{"BACKEND", backend.url()}}};
  CHECK(status_of(proxy, backend, get("/login")) == 200);
  CHECK(status_of(proxy, backend, get("/Login")) == 200);
  CHECK(status_of(proxy, backend, get("//login;x")) == 200);
  CHECK(status_of(proxy, backend, get("/LOGIN")) == 429);
  CHECK(status_of(proxy, backend, get("/login")) == 429);
  CHECK(status_of(proxy, backend, get("/logout")) == 200);
}

TEST_CASE("both limits count when a limited path is another spelling of a limited one",
          "[wire][guard][rate]") {
  Backend backend;
  Proxy proxy{
      with_routes("  - {path: /login, backend: app, rate_limit: {requests: 1, every: 1h}}\n"
                  "  - {path: \"/*\", backend: app, rate_limit: {requests: 2, every: 1h}}\n"),
      {{"BACKEND", backend.url()}}};
  CHECK(status_of(proxy, backend, get("/LOGIN")) == 200);
  CHECK(status_of(proxy, backend, get("/LOGIN")) == 429);  // which takes nothing from the other
  CHECK(status_of(proxy, backend, get("/x")) == 200);
  CHECK(status_of(proxy, backend, get("/x")) == 429);
}
