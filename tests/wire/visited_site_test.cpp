// What a trusted proxy says of the address that the visitor asked for: the backend, the cookie,
// bind_host, the cross-site check, redirects and the log get the same result.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

constexpr std::string_view kTrusting = "trusted_proxies: [127.0.0.0/8]\n";
constexpr std::string_view kForm = "Content-Type: application/x-www-form-urlencoded\r\n";

// What the backend gets of a request for `host` with these lines.
Message forwarded(const Proxy& proxy, Backend& backend, std::string_view lines,
                  std::string_view host = "inner") {
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: " + std::string{host} + "\r\n" + std::string{lines} +
              "\r\n");
  Link link = backend.accept();
  Message request = link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  client.read_response();
  return request;
}

Message set_name(const Proxy& proxy, std::string_view lines, std::string_view host = "inner") {
  return proxy.ask("POST /setName HTTP/1.1\r\nHost: " + std::string{host} + "\r\n" +
                   std::string{kForm} + std::string{lines} + "Content-Length: 8\r\n\r\nname=Ada");
}

}  // namespace

TEST_CASE("X-Forwarded-Port is the visitor's port and never the listener's", "[wire][forwarding]") {
  Backend backend;
  Proxy proxy{backend};
  const auto [host, port] = GENERATE(table<std::string, std::string>({{"a.example", "80"},
                                                                      {"a.example:", "80"},
                                                                      {"a.example:8443", "8443"},
                                                                      {"a.example:0080", "80"},
                                                                      {"[::1]", "80"},
                                                                      {"[::1]:81", "81"}}));
  CAPTURE(host);
  const Message request =
      forwarded(proxy, backend, "X-Forwarded-Port: 6\r\nX-Forwarded-Proto: https\r\n", host);
  CHECK(request.value("X-Forwarded-Port") == port);
  CHECK(request.value("X-Forwarded-Host") == host);
  CHECK(request.value("Host") == host);
}

TEST_CASE("of a trusted proxy's headers the last line and its last element reach the backend",
          "[wire][forwarding]") {
  Backend backend;
  Proxy proxy{backend, kTrusting};
  struct Row {
    std::string lines, proto, host, port;
  };
  const Row row = GENERATE(values<Row>({
      {"", "http", "inner", "80"},
      {"X-Forwarded-Proto: https\r\n", "https", "inner", "443"},
      {"X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n", "https", "inner", "443"},
      {"X-Forwarded-Proto: https\r\nx-forwarded-proto: http, http\r\n", "http", "inner", "80"},
      {"X-Forwarded-Proto: http, HTTPS\r\n", "https", "inner", "443"},
      {"X-Forwarded-Proto: wss\r\n", "https", "inner", "443"},
      {"X-Forwarded-Proto: WS\r\n", "http", "inner", "80"},
      {"X-Forwarded-Proto: gopher\r\n", "http", "inner", "80"},
      {"Forwarded: proto=http, for=1.2.3.4;proto=https\r\n", "https", "inner", "443"},
      {"Forwarded: proto=https\r\nForwarded: proto=http\r\n", "http", "inner", "80"},
      {"X-Forwarded-Host: evil.example\r\nX-Forwarded-Host: shop.example\r\n", "http",
       "shop.example", "80"},
      {"X-Forwarded-Host: evil.example, shop.example:8080\r\n", "http", "shop.example:8080",
       "8080"},
      {"X-Forwarded-Host: a b\r\n", "http", "inner", "80"},
      {"X-Forwarded-Host: shop.example,\r\n", "http", "inner", "80"},
      {"X-Forwarded-Port: 1\r\nX-Forwarded-Port: 8443\r\n", "http", "inner", "8443"},
      {"X-Forwarded-Port: 1, 00443\r\n", "http", "inner", "443"},
      {"X-Forwarded-Port: 0\r\n", "http", "inner", "80"},
      {"X-Forwarded-Port: 65536\r\n", "http", "inner", "80"},
      {"X-Forwarded-Host: shop.example:81\r\nX-Forwarded-Port: 444\r\n", "http", "shop.example:81",
       "444"},
      {"X_Forwarded_Proto: https\r\nX-Forwarded.Host: evil.example\r\n", "http", "inner", "80"},
  }));
  CAPTURE(row.lines);
  const Message request = forwarded(proxy, backend, row.lines);
  CHECK(request.value("X-Forwarded-Proto") == row.proto);
  CHECK(request.value("X-Forwarded-Host") == row.host);
  CHECK(request.value("X-Forwarded-Port") == row.port);
  CHECK(request.value("Host") == "inner");
  CHECK((set_name(proxy, row.lines).value("Set-Cookie").find("; Secure") != std::string::npos) ==
        (row.proto == "https"));
}

TEST_CASE("the backend gets one line of each forwarding header, the trusted proxy's",
          "[wire][forwarding]") {
  Backend backend;
  Proxy proxy{backend, kTrusting};
  const Message request =
      forwarded(proxy, backend,
                "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For:\r\nX-Forwarded-For: 203.0.113.1\r\n"
                "Forwarded: for=6.6.6.6\r\nForwarded: for=203.0.113.1, for=10.0.0.1\r\n"
                "X-Real-IP: 6.6.6.6\r\nx-real-ip: 203.0.113.1\r\n"
                "X-Forwarded-Prefix: /evil\r\nX-Forwarded-Server: a\r\nx-forwarded-prefix: /app\r\n"
                "X-Request-Id: evil\r\nX-Request-Id: good\r\n");
  CHECK(request.value("X-Forwarded-For") == "6.6.6.6, 203.0.113.1, 127.0.0.1");
  CHECK(request.value("Forwarded") == "for=203.0.113.1, for=10.0.0.1");
  CHECK(request.value("X-Real-IP") == "203.0.113.1");
  CHECK(request.value("X-Forwarded-Prefix") == "/app");
  CHECK(request.value("X-Forwarded-Server") == "a");
  CHECK(request.value("X-Request-Id") == "good");
  std::string many;
  for (int i = 0; i < 80; ++i) {
    many += "X-Forwarded-X" + std::to_string(i) + ": 1\r\n";
  }
  const Message flooded = forwarded(proxy, backend, many + "X-Forwarded-Prefix: /app\r\n");
  CHECK(flooded.value("X-Forwarded-Prefix") == "/app");
  CHECK_FALSE(flooded.has("X-Forwarded-X0"));
}

TEST_CASE("a cookie is bound to the host that the visitor asked the trusted proxy for",
          "[wire][bind_host][forwarding]") {
  Backend backend;
  Proxy proxy{std::string{kTrusting} + R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}], cookie: {bind_host: true}}
)",
              {{"BACKEND", backend.url()}}};
  const std::string cookie =
      "Cookie: session=" +
      set_name(proxy, "X-Forwarded-Host: evil.example, Shop.example:81\r\n").set_cookie() + "\r\n";
  const auto name = [&](std::string_view lines, std::string_view host) {
    return forwarded(proxy, backend, cookie + std::string{lines}, host).value("X-Session-Name");
  };
  CHECK(name("X-Forwarded-Host: shop.example\r\n", "inner") == "Ada");
  CHECK(name("X-Forwarded-Host: shop.example.\r\n", "replica-2:8080") == "Ada");
  CHECK(name("X-Forwarded-Host: %73hop.example\r\n", "inner") == "Ada");
  CHECK(name("", "shop.example") == "Ada");
  CHECK(name("X-Forwarded-Host: admin.example\r\n", "inner") == "(absent)");
  CHECK(name("X-Forwarded-Host: admin.example\r\n", "shop.example") == "(absent)");
  CHECK(name("", "inner") == "(absent)");
  const std::string of_address =
      "Cookie: session=" +
      set_name(proxy, "X-Forwarded-Host: [2001:DB8::0:1]:81\r\n").set_cookie() + "\r\n";
  CHECK(forwarded(proxy, backend, of_address + "X-Forwarded-Host: [2001:db8::1]\r\n", "inner")
            .value("X-Session-Name") == "Ada");
}

TEST_CASE("pages are compared with the address that a trusted proxy tells of",
          "[wire][cross-site][forwarding]") {
  const bool trusted = GENERATE(true, false);
  Backend backend;
  Proxy proxy{backend, trusted ? kTrusting : ""};
  const auto status = [&](const std::string& lines, std::string_view host = "192.168.1.5") {
    return set_name(proxy, "Origin: http://192.168.1.5:8080\r\n" + lines, host).status();
  };
  CAPTURE(trusted);
  CHECK(status("", "192.168.1.5:8080") == 303);
  CHECK(status("") == 403);
  const unsigned expected = trusted ? 303 : 403;
  CHECK(status("X-Forwarded-Port: 8080\r\n") == expected);
  CHECK(status("X-Forwarded-Host: 192.168.1.5:8080\r\n", "inner") == expected);
  CHECK(status("X-Forwarded-Host: evil, 192.168.1.5:8080\r\n", "inner") == expected);
  CHECK(status("X-Forwarded-Host: 192.168.1.5\r\nX-Forwarded-Port: 1, 8080\r\n", "x") == expected);
  CHECK(status("X-Forwarded-Host: 192.168.1.5:8080\r\nX-Forwarded-Host: b\r\n",
               "192.168.1.5:8080") == (trusted ? 403 : 303));
  CHECK(status("X-Forwarded-Port: 80\r\n", "192.168.1.5:8080") == (trusted ? 403 : 303));
}

TEST_CASE("the access log has the host and the https of the visitor", "[wire][log][forwarding]") {
  Backend backend;
  Proxy proxy{backend, std::string{kTrusting} + "log: {fields: [host, client, status]}\n"};
  forwarded(proxy, backend, "X-Forwarded-Host: evil, Shop.example:81\r\n");
  proxy.wait_until("the line is there", [&] { return proxy.access_log().ends_with("\n"); });
  CHECK(proxy.access_log().starts_with("\"shop.example\" "));
}

TEST_CASE("redirect_to_https lets https pass that a trusted proxy has ended",
          "[wire][forwarding]") {
  Backend backend;
  Proxy proxy{std::string{kTrusting} + R"(
listen: [{address: "127.0.0.1:0", redirect_to_https: true}]
backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}]}
)",
              {{"BACKEND", backend.url()}}};
  const std::string https = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n";
  CHECK(forwarded(proxy, backend, https).value("X-Forwarded-Proto") == "https");
  CHECK(set_name(proxy, https).status() == 303);
  const auto moved = [&](std::string_view lines, std::string_view host = "Host: inner\r\n") {
    return proxy
        .ask("GET /a?b HTTP/1." + std::string{host.empty() ? "0" : "1"} + "\r\n" +
             std::string{host} + std::string{lines} + "\r\n")
        .value("Location");
  };
  CHECK(moved("") == "https://inner/a?b");
  CHECK(moved("X-Forwarded-Proto: https, http\r\n") == "https://inner/a?b");
  CHECK(moved("X-Forwarded-Proto: http\r\nX-Forwarded-Host: Shop.example:8080\r\n") ==
        "https://shop.example/a?b");
  CHECK(moved("X-Forwarded-Host: shop.example\r\n", "") == "https://shop.example/a?b");
}
