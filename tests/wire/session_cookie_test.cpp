// The story of a session on the wire: in by a form, out as a header, and the cookie between.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string set_name(std::string_view form, std::string_view lines = "") {
  return "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
         "Content-Length: " +
         std::to_string(form.size()) + "\r\n" + std::string{lines} + "\r\n" + std::string{form};
}

std::string get(std::string_view cookie, std::string_view target = "/") {
  return "GET " + std::string{target} +
         " HTTP/1.1\r\nHost: a\r\nCookie: session=" + std::string{cookie} + "\r\n\r\n";
}

// A cookie that holds myName = `name`.
std::string cookie_of(const Proxy& proxy, const std::string& name) {
  return proxy.ask(set_name("name=" + name)).set_cookie();
}

struct Seen {
  Message request;
  Message response;
};

Seen exchange(const Proxy& proxy, Backend& backend, std::string_view request,
              std::string_view answer = kOk) {
  Link client = proxy.connect();
  client.send(request);
  Link link = backend.accept();
  Seen seen;
  seen.request = link.read_request();
  link.send(answer);
  link.shutdown_write();
  seen.response = client.read_response(request.starts_with("HEAD "));
  return seen;
}

}  // namespace

TEST_CASE("a name that was set comes back as a header and the cookie stays with the proxy",
          "[wire][session]") {
  Backend backend;
  Proxy proxy{backend};
  const Message set = proxy.ask(set_name("name=Ada+Lovelace"));
  CHECK(set.start_line() == "HTTP/1.1 303 See Other");
  CHECK(set.value("Location") == "/");
  CHECK(set.value("Cache-Control") == "private, no-store");
  CHECK(set.value("Vary") == "Cookie");
  CHECK(set.body.empty());
  CHECK(set.value("Set-Cookie") ==
        "session=" + set.set_cookie() + "; Path=/; HttpOnly; SameSite=Lax");

  const Seen seen = exchange(proxy, backend, get(set.set_cookie()));
  CHECK(seen.request.value("X-Session-Name") == "Ada Lovelace");
  CHECK_FALSE(seen.request.has("Cookie"));
  CHECK(seen.response.value("Vary") == "Cookie");
  CHECK_FALSE(seen.response.has("Set-Cookie"));
  CHECK_FALSE(seen.response.has("Cache-Control"));
}

TEST_CASE("a visitor without a cookie has no header and gets no cookie", "[wire][session]") {
  Backend backend;
  Proxy proxy{backend};
  const Seen seen = exchange(proxy, backend, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK_FALSE(seen.request.has("X-Session-Name"));
  CHECK_FALSE(seen.response.has("Set-Cookie"));
  CHECK(seen.response.value("Vary") == "Cookie");
}

TEST_CASE("every changed byte of a cookie makes its visitor anonymous", "[wire][session]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string cookie = cookie_of(proxy, "Ada");
  Link client = proxy.connect();
  Link link;
  for (std::size_t i = 0; i < cookie.size(); ++i) {
    std::string bad = cookie;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    client.send(get(bad));
    if (!link) {
      link = backend.accept();
    }
    REQUIRE_FALSE(link.read_request().has("X-Session-Name"));
    link.send(kOk);
    const Message response = client.read_response();
    REQUIRE(response.status() == 200);
    REQUIRE_FALSE(response.has("Set-Cookie"));
  }
}

TEST_CASE("a cookie that is no cookie of ours is an anonymous visitor and stays",
          "[wire][session]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string cookie = cookie_of(proxy, "Ada");
  for (const std::string& bad :
       {std::string{}, cookie.substr(0, 20), cookie.substr(0, cookie.size() - 1), cookie + "A",
        cookie + "=", "\"" + cookie + "\"", "x=" + cookie, std::string(8000, 'A'),
        std::string{"\xff\xfe\x80"}, "B" + cookie.substr(1), cookie + " x"}) {
    CAPTURE(escaped(bad));
    const Seen seen = exchange(proxy, backend, get(bad));
    CHECK_FALSE(seen.request.has("X-Session-Name"));
    CHECK_FALSE(seen.request.has("Cookie"));
    CHECK(seen.response.status() == 200);
    CHECK_FALSE(seen.response.has("Set-Cookie"));
    CHECK_FALSE(seen.response.has("Cache-Control"));
  }
}

TEST_CASE("the first valid one of several cookies with our name wins", "[wire][session]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string cookie = cookie_of(proxy, "Ada");
  const auto ask = [&](const std::string& lines) {
    return exchange(proxy, backend, "GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n");
  };
  CHECK(ask("Cookie: session=bad; session=" + cookie + "\r\n").request.value("X-Session-Name") ==
        "Ada");
  CHECK(ask("Cookie: session=bad\r\nCookie: session=" + cookie + "\r\n")
            .request.value("X-Session-Name") == "Ada");
  CHECK(ask("Cookie: session=1; session=2; session=3; session=" + cookie + "\r\n")
            .request.value("X-Session-Name") == "Ada");
  CHECK(ask("Cookie: session=1; session=2; session=3; session=4; session=" + cookie + "\r\n")
            .request.value("X-Session-Name") == "Ada");
}

TEST_CASE("all other cookies reach the backend byte for byte and in order",
          "[wire][session][http1]") {
  Backend backend;
  Proxy proxy{backend};
  const Seen seen = exchange(proxy, backend,
                             "GET / HTTP/1.1\r\nHost: a\r\nCookie: a; =b; c=\"d;e\"; session=x; "
                             "sessions=1;  Session=2\r\nX-Between: 1\r\ncookie: session=y\r\n"
                             "Cookie:f=\x80g;h\r\n\r\n");
  const std::vector<std::string> lines = seen.request.lines();
  const std::vector<std::string> expected = {"Host: a",
                                             "Cookie: a; =b; c=\"d;e\"; sessions=1;  Session=2",
                                             "X-Between: 1", "Cookie:f=\x80g;h"};
  REQUIRE(lines.size() > expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(escaped(lines[i]) == escaped(expected[i]));
  }
  CHECK(seen.request.values("Cookie").size() == 2);
}

TEST_CASE("a backend's Set-Cookie with our name is dropped, all others pass in order",
          "[wire][session]") {
  Backend backend;
  Proxy proxy{backend};
  for (const char* target : {"/", "/static/x"}) {
    const Seen seen = exchange(
        proxy, backend, "GET " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nSet-Cookie: b=1; Path=/\r\nSet-Cookie: session=evil\r\n"
        "set-cookie: a=2\r\nSet-Cookie:  session = evil; Path=/\r\nSet-Cookie: sessions=3\r\n"
        "Content-Length: 0\r\n\r\n");
    CHECK(seen.response.values("Set-Cookie") ==
          std::vector<std::string>{"b=1; Path=/", "a=2", "sessions=3"});
  }
  CHECK(proxy.count(Counter::DroppedSetCookies) == 4);
  CHECK(proxy.log().find("evil") == std::string::npos);
}

TEST_CASE("a route without sessions adds nothing and clears nothing", "[wire][session][http1]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string answer =
      "HTTP/1.1 200 Fine\r\nServer: x\r\nCache-Control: public, max-age=60\r\nVary: Accept\r\n"
      "Date: Tue, 14 Nov 2023 22:00:00 GMT\r\nContent-Length: 2\r\n\r\nok";
  for (const std::string& cookie : {cookie_of(proxy, "Ada"), std::string{"bad"}}) {
    Link client = proxy.connect();
    client.send("GET /static/x HTTP/1.1\r\nHost: a\r\nX-Session-Name: evil\r\nCookie: session=" +
                cookie + "\r\n\r\n");
    Link link = backend.accept();
    const Message request = link.read_request();
    CHECK_FALSE(request.has("X-Session-Name"));
    CHECK_FALSE(request.has("Cookie"));
    link.send(answer);
    link.close();
    const Message response = client.read_response();
    CHECK(escaped(response.head) ==
          escaped(
              "HTTP/1.1 200 Fine\r\nServer: x\r\nCache-Control: public, max-age=60\r\n"
              "Vary: Accept\r\nDate: Tue, 14 Nov 2023 22:00:00 GMT\r\nContent-Length: 2\r\n\r\n"));
  }
}

TEST_CASE("a response that sets a cookie is kept out of every cache", "[wire][session][caching]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string cookie = cookie_of(proxy, "Ada");
  proxy.advance(std::chrono::hours{25});  // over: it is cleared
  const Seen seen = exchange(
      proxy, backend, get(cookie),
      "HTTP/1.1 200 OK\r\nCache-Control: public, s-maxage=600\r\nExpires: Thu, 01 Jan 2099 "
      "00:00:00 "
      "GMT\r\nPragma: x\r\nCDN-Cache-Control: max-age=60\r\nSurrogate-Control: max-age=60\r\n"
      "Content-Length: 0\r\n\r\n");
  CHECK(seen.response.set_cookie().empty());
  CHECK(seen.response.value("Cache-Control") == "private, no-store");
  for (const char* name : {"Expires", "Pragma", "CDN-Cache-Control", "Surrogate-Control"}) {
    CHECK_FALSE(seen.response.has(name));
  }
}

TEST_CASE("Vary says Cookie exactly once on every response of a session route",
          "[wire][session][caching]") {
  Backend backend;
  Proxy proxy{backend};
  const auto vary = [&](const std::string& start, const std::string& lines, const char* method) {
    return exchange(proxy, backend, std::string{method} + " / HTTP/1.1\r\nHost: a\r\n\r\n",
                    "HTTP/1.1 " + start + "\r\n" + lines + "Content-Length: 0\r\n\r\n")
        .response.value("Vary");
  };
  CHECK(vary("200 OK", "", "GET") == "Cookie");
  CHECK(vary("200 OK", "Vary: Accept-Encoding\r\n", "GET") == "Accept-Encoding, Cookie");
  CHECK(vary("200 OK", "Vary: Accept\r\nvary: Origin\r\n", "GET") == "Accept, Origin, Cookie");
  CHECK(vary("200 OK", "Vary: accept, cookie\r\n", "GET") == "accept, cookie");
  CHECK(vary("200 OK", "Vary: *\r\n", "GET") == "*");
  CHECK(vary("304 Not Modified", "", "GET") == "Cookie");
  CHECK(vary("200 OK", "", "HEAD") == "Cookie");
  CHECK(vary("500 Oops", "", "GET") == "Cookie");
  // the proxy's own answers on a session route
  CHECK(proxy.ask("GET /setName HTTP/1.1\r\nHost: a\r\n\r\n").value("Vary") == "Cookie");
  backend.stop();
  const Message failed = proxy.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(failed.status() == 502);
  CHECK(failed.value("Vary") == "Cookie");
}
