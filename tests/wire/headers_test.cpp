// What happens to header lines on their way: hop-by-hop, forged, forwarded and untouched ones.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Message forwarded(const Proxy& proxy, Backend& backend, std::string_view lines,
                  std::string_view start = "GET / HTTP/1.1\r\nHost: a.example\r\n") {
  Link client = proxy.connect();
  client.send(std::string{start}.append(lines).append("\r\n"));
  Link link = backend.accept();
  Message request = link.read_request();
  link.send(kOk);
  link.shutdown_write();
  REQUIRE(client.read_response().status() == 200);
  return request;
}

Message answered(const Proxy& proxy, Backend& backend, std::string_view answer) {
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  Link link = backend.accept();
  link.read_request();
  link.send(answer);
  link.shutdown_write();
  return client.read_response();
}

std::string session_cookie(const Proxy& proxy, std::string_view name) {
  return proxy
      .ask(
          "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
          "Content-Length: " +
          std::to_string(name.size() + 5) + "\r\n\r\nname=" + std::string{name})
      .set_cookie();
}

const std::string kTrusting = "trusted_proxies: [127.0.0.0/8]\n";

}  // namespace

TEST_CASE("headers named in Connection are removed from requests", "[wire][headers][http1]") {
  Backend backend;
  Proxy proxy{backend};
  const Message request = forwarded(proxy, backend,
                                    "Connection: \r\nX-Hop: 1\r\nConnection: x-HOP , , X-Other\r\n"
                                    "X-Other: 2\r\nX-Kept: 3\r\nX-Hop: 4\r\n");
  CHECK_FALSE(request.has("Connection"));
  CHECK_FALSE(request.has("X-Hop"));
  CHECK_FALSE(request.has("X-Other"));
  CHECK(request.value("X-Kept") == "3");
}

TEST_CASE("a Connection that names more than a hundred headers is refused",
          "[wire][headers][http1]") {
  Backend backend;
  Proxy proxy{backend};
  std::string names = "Connection: ";
  for (int i = 0; i < 99; ++i) {
    names += "x" + std::to_string(i) + ",";
  }
  const Message request = forwarded(proxy, backend, names + "X-Hop\r\nX-Hop: 1\r\n");
  CHECK_FALSE(request.has("X-Hop"));
  CHECK(refused(proxy, backend,
                "GET / HTTP/1.1\r\nHost: a\r\n" + names + "X-Hop, X-More\r\nX-Hop: 1\r\n\r\n")
            .status() == 400);
}

TEST_CASE("headers named in Connection are removed from responses", "[wire][headers]") {
  Backend backend;
  Proxy proxy{backend};
  const Message response = answered(proxy, backend,
                                    "HTTP/1.1 200 OK\r\nConnection: x-hop\r\nX-Hop: 1\r\n"
                                    "Keep-Alive: timeout=5\r\nX-Kept: 2\r\nProxy-Connection: x\r\n"
                                    "Upgrade: h2c\r\nContent-Length: 0\r\n\r\n");
  CHECK(response.value("X-Kept") == "2");
  for (const char* name : {"X-Hop", "Connection", "Keep-Alive", "Proxy-Connection", "Upgrade"}) {
    CAPTURE(name);
    CHECK_FALSE(response.has(name));
  }
}

TEST_CASE("Connection cannot remove what the proxy relies on or adds", "[wire][headers]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string cookie = session_cookie(proxy, "Ada");
  Link client = proxy.connect();
  client.send(
      "POST / HTTP/1.1\r\nHost: a.example\r\nConnection: close, Host, Content-Length, Cookie, "
      "x-forwarded-for, X-Forwarded-Proto, X-Session-Name, x-request-id\r\nContent-Length: 2\r\n"
      "Cookie: other=1; session=" +
      cookie + "\r\n\r\nhi");
  const Message request = backend.accept().read_request();
  CHECK(request.value("Host") == "a.example");
  CHECK(request.value("Content-Length") == "2");
  CHECK(request.value("Cookie") == "other=1");
  CHECK(request.value("X-Forwarded-For") == "127.0.0.1");
  CHECK(request.value("X-Forwarded-Proto") == "http");
  CHECK(request.value("X-Session-Name") == "Ada");
  CHECK(request.has("X-Request-Id"));
  CHECK_FALSE(request.has("Connection"));
}

TEST_CASE("Connection on a response cannot remove Set-Cookie, Vary or the length",
          "[wire][headers]") {
  Backend backend;
  Proxy proxy{backend};
  const Message response =
      answered(proxy, backend,
               "HTTP/1.1 200 OK\r\nConnection: Set-Cookie, Content-Length, Vary\r\n"
               "Set-Cookie: a=b\r\nVary: Accept\r\nContent-Length: 2\r\n\r\nok");
  CHECK(response.value("Set-Cookie") == "a=b");
  CHECK(response.value("Content-Length") == "2");
  CHECK(response.value("Vary").ends_with("Cookie"));
}

TEST_CASE("hop-by-hop headers go even when Connection does not name them",
          "[wire][headers][http1]") {
  Backend backend;
  Proxy proxy{backend};
  const Message request = forwarded(
      proxy, backend,
      "Keep-Alive: 5\r\nProxy-Connection: keep-alive\r\nTrailer: X\r\nUpgrade: h2c\r\n"
      "HTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings\r\nTE: gzip\r\n"
      "Proxy-Authorization: Basic eDp5\r\nExpect: 100-continue\r\n");
  for (const char* name : {"Keep-Alive", "Proxy-Connection", "Trailer", "Upgrade", "HTTP2-Settings",
                           "TE", "Connection", "Proxy-Authorization", "Expect"}) {
    CAPTURE(name);
    CHECK_FALSE(request.has(name));
  }
}

TEST_CASE("of TE only trailers reaches the backend", "[wire][headers][http1]") {
  Backend backend;
  Proxy proxy{backend};
  const Message request =
      forwarded(proxy, backend, "TE: trailers, gzip;q=0.5\r\nConnection: TE\r\n");
  CHECK(request.value("TE") == "trailers");
  CHECK(request.value("Connection") == "TE");
}

TEST_CASE("a forged session header never reaches the backend, whatever its spelling",
          "[wire][headers][spoofing]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string cookie = GENERATE(std::string{"none"}, std::string{"bad"}, std::string{"Ada"});
  const std::string line =
      cookie == "none"
          ? ""
          : "Cookie: session=" + (cookie == "Ada" ? session_cookie(proxy, "Ada") : cookie) + "\r\n";
  CAPTURE(cookie);
  const Message request =
      forwarded(proxy, backend,
                line +
                    "X-Session-Name: evil\r\nx_session_name: evil\r\nX-Session_Name: evil\r\n"
                    "X.Session.Name: evil\r\nX-SESSION-NAME:\tevil\t\r\nX!Session~Name: evil\r\n"
                    "X-Session-Named: fine\r\nX-Request-Id: mine\r\nX_Request_Id: evil\r\n");
  CHECK(request.head.find("evil") == std::string::npos);
  CHECK(request.value("X-Session-Named") == "fine");
  CHECK(request.value("X-Session-Name") == (cookie == "Ada" ? "Ada" : "(absent)"));
  CHECK(request.value("X-Request-Id") != "mine");
  CHECK(proxy.count(Counter::SpoofedHeaders) == 7);
}

TEST_CASE("disguised names of headers that decide something are removed",
          "[wire][headers][spoofing]") {
  Backend backend;
  Proxy proxy{backend};
  const Message request =
      forwarded(proxy, backend,
                "Transfer_Encoding: evil\r\nContent.Length: evil\r\nHost_: x\r\nHo-st: fine\r\n"
                "Connect1on: fine\r\nX_Forwarded_For: evil\r\nX-Forwarded_Proto: evil\r\n"
                "X_Forwarded-Prefix: evil\r\nX_Real_IP: evil\r\nX_Custom_Header: fine\r\n");
  CHECK(request.head.find("evil") == std::string::npos);
  CHECK(request.value("X_Custom_Header") == "fine");
  CHECK(request.value("Ho-st") == "fine");
}

TEST_CASE("names with an underscore pass by default and go when configured so", "[wire][headers]") {
  Backend backend;
  const bool drop = GENERATE(false, true);
  Proxy proxy{backend, drop ? "headers_with_underscore: drop\n" : ""};
  const Message request = forwarded(proxy, backend, "My_Header: 1\r\nMy-Header: 2\r\n");
  CHECK(request.has("My_Header") == !drop);
  CHECK(request.value("My-Header") == "2");
}

TEST_CASE("no session value can add a line to a request", "[wire][headers]") {
  Backend backend;
  Proxy proxy{backend};
  // A form cannot bring controls; what it can bring is encoded.
  const std::string cookie = session_cookie(proxy, "a%25%2B%E2%82%AC++b+");
  const Message request = forwarded(proxy, backend, "Cookie: session=" + cookie + "\r\n");
  CHECK(request.value("X-Session-Name") == "a%25%2B%E2%82%AC%20%20b%20");
}

TEST_CASE("what an untrusted client says about its address is replaced",
          "[wire][headers][forwarding]") {
  Backend backend;
  Proxy proxy{backend};
  const Message request =
      forwarded(proxy, backend,
                "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n"
                "X-Forwarded-Port: 6\r\nX-Forwarded-Prefix: /evil\r\nForwarded: for=6.6.6.6\r\n"
                "X-Real-IP: 6.6.6.6\r\nx-forwarded-for: 7.7.7.7\r\n");
  CHECK(request.value("X-Forwarded-For") == "127.0.0.1");
  CHECK(request.value("X-Forwarded-Proto") == "http");
  CHECK(request.value("X-Forwarded-Host") == "a.example");
  CHECK(request.value("X-Forwarded-Port") == "80");
  CHECK_FALSE(request.has("X-Forwarded-Prefix"));
  CHECK_FALSE(request.has("Forwarded"));
  CHECK_FALSE(request.has("X-Real-IP"));
  CHECK_FALSE(request.has("Via"));
}

TEST_CASE("what a trusted proxy says about the client is kept and appended to",
          "[wire][headers][forwarding]") {
  Backend backend;
  Proxy proxy{backend, kTrusting};
  const Message request = forwarded(
      proxy, backend,
      "X-Forwarded-For: 6.6.6.6, 7.7.7.7\r\nX-Forwarded-For: 8.8.8.8\r\n"
      "X-Forwarded-Proto: https\r\nX-Forwarded-Host: www.example\r\nX-Forwarded-Port: 443\r\n"
      "Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Request-Id: abc-123\r\n"
      "X_Forwarded_For: evil\r\n");
  CHECK(request.value("X-Forwarded-For") == "6.6.6.6, 7.7.7.7, 8.8.8.8, 127.0.0.1");
  CHECK(request.value("X-Forwarded-Proto") == "https");
  CHECK(request.value("X-Forwarded-Host") == "www.example");
  CHECK(request.value("X-Forwarded-Port") == "443");
  CHECK(request.value("Forwarded") == "for=6.6.6.6");
  CHECK(request.value("X-Real-IP") == "6.6.6.6");
  CHECK(request.value("X-Request-Id") == "abc-123");
  CHECK(request.head.find("evil") == std::string::npos);
}

TEST_CASE("the backend sees the client's Host, its own, or a given one", "[wire][headers]") {
  Backend backend;
  const std::string host = GENERATE("preserve", "backend", "www.example");
  Proxy proxy{
      "listen: [{address: \"127.0.0.1:0\"}]\n"
      "backends: {app: {servers: [\"${BACKEND}\"], host: " +
          host +
          "}}\nroutes: [{path: \"/*\", backend: app}]\n"
          "session: {secrets: [{env: SESSION_KEY}]}\n",
      {{"BACKEND", backend.url()}}};
  const Message request = forwarded(proxy, backend, "X: 1\r\n");
  CHECK(request.value("Host") == (host == "preserve" ? "a.example"
                                  : host == "backend"
                                      ? "127.0.0.1:" + std::to_string(backend.port())
                                      : "www.example"));
  CHECK(request.value("X-Forwarded-Host") == "a.example");
}

TEST_CASE("order, spelling and repetition of header lines are kept", "[wire][headers][http1]") {
  Backend backend;
  Proxy proxy{backend};
  const Message request = forwarded(
      proxy, backend, "zZ:1\r\nAccept:  x , y\r\nb: \r\nZz: 2\r\nAccept: z\r\nX-Pad: a  \r\n");
  std::vector<std::string> lines = request.lines();
  lines.resize(7);
  CHECK(lines == std::vector<std::string>{"Host: a.example", "zZ:1", "Accept:  x , y",
                                          "b: ", "Zz: 2", "Accept: z", "X-Pad: a  "});
  CHECK_FALSE(request.has("User-Agent"));

  const Message response = answered(proxy, backend,
                                    "HTTP/1.1 299 Odd But Fine\r\nsERVER: old\r\nDate: then\r\n"
                                    "X: 1\r\nx: 2\r\nContent-Length: 0\r\nX: 3\r\n\r\n");
  CHECK(response.start_line() == "HTTP/1.1 299 Odd But Fine");
  CHECK(response.values("x") == std::vector<std::string>{"1", "2", "3"});
  CHECK(response.value("Server") == "old");
  CHECK(response.value("Date") == "then");
  CHECK_FALSE(response.has("Via"));
}

TEST_CASE("the response headers of a writing backend never reach a client", "[wire][headers]") {
  Backend backend;
  Proxy proxy{backend};
  const Message response = answered(proxy, backend,
                                    "HTTP/1.1 200 OK\r\nX-Session-Set: a=b\r\n"
                                    "X-Session-Clear: true\r\nContent-Length: 0\r\n\r\n");
  CHECK_FALSE(response.has("X-Session-Set"));
  CHECK_FALSE(response.has("X-Session-Clear"));
  CHECK_FALSE(response.has("Set-Cookie"));
}
