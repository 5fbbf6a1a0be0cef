// The request line and the header lines (RFC 9112 2-5): what is ambiguous is refused, not repaired.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake::test;

namespace {

// Each of these, completed to a request, must be refused.
void check_lines_refused(const std::vector<std::string>& lines) {
  Backend backend;
  Proxy proxy{backend};
  for (const std::string& line : lines) {
    CAPTURE(escaped(line));
    CHECK(refused(proxy, backend, "GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\nX-Last: 1\r\n\r\n")
              .status() == 400);
  }
}

void check_refused(unsigned status, const std::vector<std::string>& requests) {
  Backend backend;
  Proxy proxy{backend};
  for (const std::string& request : requests) {
    CAPTURE(escaped(request));
    CHECK(refused(proxy, backend, request).status() == status);
  }
}

// What the backend gets for a request that is fine.
Message forwarded(std::string_view request) {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(request);
  Link link = backend.accept();
  Message message = link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(client.read_response(request.starts_with("HEAD ")).status() == 200);
  return message;
}

}  // namespace

TEST_CASE("a bare LF ends no line", "[wire][syntax]") {
  check_lines_refused({"X: y\nZ: 1", "X: y\n"});
  check_refused(400, {"GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\n",
                      "GET / HTTP/1.1\r\nHost: a\r\n\n", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"});
}

TEST_CASE("a bare CR is refused, in a value and at the end of the head", "[wire][syntax]") {
  check_lines_refused({"X: a\rb", "X: a\r\r", "X\r: a"});
  check_refused(400, {"GET / HTTP/1.1\r\nHost: a\r\n\rXGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
                      "GET / HTTP/1.1\rHost: a\r\n\r\n"});
}

TEST_CASE("a NUL in a name or a value is refused", "[wire][syntax]") {
  check_lines_refused(
      {std::string{"X: a\0b", 6}, std::string{"X\0Y: a", 6}, std::string{"X: \0", 4}});
}

TEST_CASE("control bytes in a value are refused and bytes beyond ASCII pass as they are",
          "[wire][syntax]") {
  for (int c = 1; c < 0x20; ++c) {
    if (c != '\t' && c != '\r' && c != '\n') {
      check_lines_refused({"X: a" + std::string(1, static_cast<char>(c)) + "b"});
    }
  }
  check_lines_refused({"X: a\x7f"});
  const Message request =
      forwarded("GET / HTTP/1.1\r\nHost: a\r\nX: \x80\xff a\tb \xc3\xa9\r\n\r\n");
  CHECK(escaped(request.value("X")) == escaped("\x80\xff a\tb \xc3\xa9"));
}

TEST_CASE("a folded header line is refused", "[wire][syntax]") {
  check_lines_refused({"X: a\r\n b", "X: a\r\n\tb", "X:\r\n a", "X: a\r\n "});
  check_refused(400, {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n"
                      "0\r\n\r\n"});
}

TEST_CASE("a head does not begin with a space, and names are non-empty tokens", "[wire][syntax]") {
  check_refused(400, {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "GET / HTTP/1.1\r\n\tX: a\r\n\r\n"});
  check_lines_refused({": v", "X Y: a", "X(: a", "\"X\": a", "X@: a", "X\xc3\xa9: a", "X/Y: a"});
}

TEST_CASE("a header line without a colon is refused", "[wire][syntax]") {
  check_lines_refused({"garbage", "GET / HTTP/1.1"});
}

TEST_CASE("one or two empty lines before a request are ignored and more are not",
          "[wire][syntax]") {
  CHECK(forwarded("\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n").start_line() == "GET /a HTTP/1.1");
  CHECK(forwarded("\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n").start_line() == "GET /b HTTP/1.1");
  check_refused(400, {"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "\rGET / HTTP/1.1\r\n\r\n"});
}

TEST_CASE("HTTP/1.2 is served as 1.1, other major versions are 505, other spellings 400",
          "[wire][syntax]") {
  CHECK(forwarded("GET / HTTP/1.2\r\nHost: a\r\n\r\n").start_line() == "GET / HTTP/1.1");
  check_refused(505, {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
                      "GET / HTTP/0.9\r\nHost: a\r\n\r\n"});
  check_refused(400, {"GET / http/1.1\r\nHost: a\r\n\r\n", "GET /\r\nHost: a\r\n\r\n",
                      "GET / HTTP/1.32\r\nHost: a\r\n\r\n", "GET / HTTP/1\r\nHost: a\r\n\r\n",
                      "GET / HTTP/1.\r\nHost: a\r\n\r\n", "GET / HTTP/a.1\r\nHost: a\r\n\r\n",
                      "GET / XTTP/1.1\r\nHost: a\r\n\r\n", "GET /\r\n\r\n"});
}

TEST_CASE("the preface of HTTP/2 is refused", "[wire][syntax]") {
  Backend backend;
  Proxy proxy{R"(
listen: [{address: "127.0.0.1:0", http2: false}]
backends: {app: {servers: ["${BACKEND}"]}}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
)",
              {{"BACKEND", backend.url()}}};
  const unsigned status = refused(proxy, backend, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status();
  CHECK((status == 400 || status == 505));
}

TEST_CASE("the request line has single spaces and no more", "[wire][syntax]") {
  check_refused(400, {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
                      "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n",
                      "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                      "GET / x HTTP/1.1\r\nHost: a\r\n\r\n"});
}

TEST_CASE("any token is a method, CONNECT and TRACE are 405", "[wire][syntax]") {
  CHECK(forwarded("PROPFIND /x HTTP/1.1\r\nHost: a\r\n\r\n").start_line() ==
        "PROPFIND /x HTTP/1.1");
  CHECK(forwarded("get /x HTTP/1.1\r\nHost: a\r\n\r\n").start_line() == "get /x HTTP/1.1");
  CHECK(forwarded("M-SEARCH!#$ /x HTTP/1.1\r\nHost: a\r\n\r\n").start_line() ==
        "M-SEARCH!#$ /x HTTP/1.1");
  check_refused(400, {"GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", "G\x80T / HTTP/1.1\r\nHost: a\r\n\r\n",
                      std::string(65, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n"});
  Backend backend;
  Proxy proxy{backend};
  for (const char* request :
       {"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
        "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    CAPTURE(request);
    Link client = proxy.connect();
    client.send(request);
    const Message response = client.read_response();
    CHECK(response.status() == 405);
    CHECK(response.has("Allow"));
    CHECK_FALSE(backend.has_connection());
  }
}

TEST_CASE("an absolute target is forwarded in origin form when it agrees with Host",
          "[wire][syntax]") {
  const Message request =
      forwarded("GET http://a.example:81/x?y HTTP/1.1\r\nHost: A.example:81\r\n\r\n");
  CHECK(request.start_line() == "GET /x?y HTTP/1.1");
  CHECK(request.value("Host") == "A.example:81");
  CHECK(forwarded("GET http://a.example HTTP/1.1\r\nHost: a.example\r\n\r\n").start_line() ==
        "GET / HTTP/1.1");
  const Message old = forwarded("GET http://a.example:81/x HTTP/1.0\r\nX: y\r\n\r\n");
  CHECK(old.value("Host") == "a.example:81");
  CHECK(old.value("X-Forwarded-Host") == "a.example:81");
  check_refused(400, {"GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
                      "GET http://a.example:81/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
                      "GET http:/// HTTP/1.1\r\nHost: a.example\r\n\r\n",
                      "GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
                      "GET http://u@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n"});
}

TEST_CASE("an absolute target with a query and no path is the root's", "[wire][syntax]") {
  CHECK(forwarded("GET http://a?x=y HTTP/1.1\r\nHost: a\r\n\r\n").start_line() ==
        "GET /?x=y HTTP/1.1");
  CHECK(forwarded("GET http://a? HTTP/1.1\r\nHost: a\r\n\r\n").start_line() == "GET /? HTTP/1.1");
  CHECK(forwarded("OPTIONS http://a?x HTTP/1.1\r\nHost: a\r\n\r\n").start_line() ==
        "OPTIONS /?x HTTP/1.1");
}

TEST_CASE("an absolute target agrees with Host when both name one place", "[wire][syntax]") {
  for (const auto& [authority, host] :
       std::vector<std::pair<std::string, std::string>>{{"http://a.example", "a.example:80"},
                                                        {"http://a.example:80", "a.example"},
                                                        {"http://a.example:", "a.example"},
                                                        {"http://a.example", "a.example:"},
                                                        {"http://A.example.", "a.example"},
                                                        {"http://a.example:0080", "a.example:80"},
                                                        {"https://a.example", "a.example:443"},
                                                        {"https://a.example:443", "a.example"},
                                                        {"http://[::1]", "[0:0::1]:80"},
                                                        {"http://%61.example", "a.example"}}) {
    CAPTURE(authority, host);
    CHECK(
        forwarded("GET " + authority + "/x HTTP/1.1\r\nHost: " + host + "\r\n\r\n").value("Host") ==
        host);
  }
  check_refused(400, {"GET https://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n",
                      "GET http://a/ HTTP/1.1\r\nHost: a:443\r\n\r\n",
                      "GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n",
                      "GET http://a./ HTTP/1.1\r\nHost: a..\r\n\r\n"});
}

TEST_CASE("the asterisk is a target of OPTIONS alone", "[wire][syntax]") {
  check_refused(400, {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "GET x HTTP/1.1\r\nHost: a\r\n\r\n",
                      "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"});
}

TEST_CASE("a fragment, a raw space or a byte beyond ASCII in a target is refused",
          "[wire][syntax]") {
  check_refused(
      400, {"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /?a#b HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n"});
}

TEST_CASE("path and query reach the backend byte for byte", "[wire][syntax]") {
  for (const std::string target : {"/a/../b//c%2fd", "/%zz", "/a;b=c;d", "/?%zz&a=b?c", "/%7Euser",
                                   "/x|y{z}\"'<>", "//x", "/a/./b/%2e%2e/c", "/a?/../../b"}) {
    CAPTURE(target);
    CHECK(forwarded("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n").start_line() ==
          "GET " + target + " HTTP/1.1");
  }
  check_refused(400, {"GET /../x HTTP/1.1\r\nHost: a\r\n\r\n",
                      "GET /a/%2e%2e/%2E./x HTTP/1.1\r\nHost: a\r\n\r\n"});
}

TEST_CASE("HTTP/1.1 needs exactly one well-formed Host", "[wire][syntax]") {
  check_refused(400,
                {"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                 "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: \r\n\r\n",
                 "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
                 "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
                 "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n",
                 "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
                 "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhOST: a\r\n\r\n",
                 "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"});
  CHECK(forwarded("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n").value("Host") == "[::1]:8080");
}

TEST_CASE("HTTP/1.0 without Host gets the server's own name", "[wire][syntax]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send("GET / HTTP/1.0\r\n\r\n");
  Link link = backend.accept();
  CHECK(link.read_request().value("Host") == "127.0.0.1:" + std::to_string(backend.port()));
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.read_response().status() == 200);
  CHECK(client.read_to_end().empty());
}

TEST_CASE("an empty Host of HTTP/1.0 is none", "[wire][syntax]") {
  Backend backend;
  Proxy proxy{backend};
  const auto [request, host] = GENERATE_REF(table<std::string, std::string>({
      {"GET / HTTP/1.0\r\nHost:\r\n\r\n", "127.0.0.1:" + std::to_string(backend.port())},
      {"GET http://a.example:81/ HTTP/1.0\r\nHost:\r\n\r\n", "a.example:81"},
  }));
  Link client = proxy.connect();
  client.send(request);
  Link link = backend.accept();
  CHECK(link.read_request().values("Host") == std::vector<std::string>{host});
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.read_response().status() == 200);
}

TEST_CASE("a target above the limit is 414 and one at the limit passes", "[wire][syntax][limits]") {
  Backend backend;
  Proxy proxy{backend, "limits: {target: 100B}\n"};
  const auto request = [](std::size_t n) {
    return "GET /" + std::string(n - 1, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  CHECK(refused(proxy, backend, request(101)).status() == 414);
  CHECK(refused(proxy, backend, "GET /" + std::string(5000, 'x')).status() == 414);
  Link client = proxy.connect();
  client.send(request(100));
  CHECK(backend.accept().read_request().start_line().size() == 100 + 13);
}

TEST_CASE("a head above the limit in bytes or lines is 431 and one at the limit passes",
          "[wire][syntax][limits]") {
  Backend backend;
  Proxy proxy{backend, "limits: {header: 1KiB, headers: 10}\n"};
  const auto of_bytes = [](std::size_t n) {
    std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n";
    return head.insert(head.size() - 4, n - head.size(), 'x');
  };
  const auto of_lines = [](int n) {
    std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 1; i < n; ++i) {
      head += "a: b\r\n";
    }
    return head + "\r\n";
  };
  CHECK(refused(proxy, backend, of_bytes(1025)).status() == 431);
  CHECK(refused(proxy, backend, of_lines(11)).status() == 431);
  // a line that never ends
  CHECK(refused(proxy, backend, "GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x')).status() ==
        431);
  for (const std::string& good : {of_bytes(1024), of_lines(10)}) {
    Link client = proxy.connect();
    client.send(good);
    CHECK(backend.accept().read_head().start_line() == "GET / HTTP/1.1");
  }
}
