// Cookies with the session's name that Keepsake did not make, or cannot believe yet: they stay with
// the browser, caches keep what they may, and the operator is told.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

std::string config(std::string_view session) {
  return R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  )" + std::string{session} +
         "\n";
}

std::string post(std::string_view path, std::string_view cookie = "") {
  return "POST " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n" +
         (cookie.empty() ? "" : "Cookie: session=" + std::string{cookie} + "\r\n") +
         "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nname=Ada";
}

Message visit(const Proxy& proxy, Backend& backend, const std::string& cookie) {
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + cookie + "\r\n\r\n");
  Link link = backend.accept();
  CHECK_FALSE(link.read_request().has("X-Session-Name"));
  link.send(
      "HTTP/1.1 200 OK\r\nCache-Control: public, max-age=9\r\nExpires: x\r\n"
      "Content-Length: 0\r\nConnection: close\r\n\r\n");
  return client.read_response();
}

std::size_t times(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

}  // namespace

TEST_CASE("a cookie that is not Keepsake's stays and does not change caching",
          "[wire][session][foreign]") {
  const std::string more = GENERATE(std::string{"store: cookie"}, std::string{"store: memory"},
                                    std::string{"format: flask"});
  CAPTURE(more);
  Backend backend;
  Proxy proxy{config(more), {{"BACKEND", backend.url()}}};
  const std::string mine = proxy.ask(post("/setName")).set_cookie();
  const std::string cut = mine.substr(0, mine.size() - 2);
  std::string flipped = mine;
  flipped[flipped.size() / 2] = flipped[flipped.size() / 2] == 'A' ? 'B' : 'A';
  const std::string theirs =
      "eyJ1c2VyIjoiYm9iIn0.ZVPxAA.AAAAAAAAAAAAAAAAAAAAAAAAAAA";  // of a Flask application
  for (const std::string& foreign :
       {std::string{}, std::string{"x"}, "\"" + mine + "\"", cut, flipped, theirs}) {
    CAPTURE(foreign);
    const Message response = visit(proxy, backend, foreign);
    CHECK_FALSE(response.has("Set-Cookie"));
    CHECK(response.value("Cache-Control") == "public, max-age=9");
    CHECK(response.has("Expires"));
    CHECK(response.value("Vary") == "Cookie");
    CHECK_FALSE(proxy.ask(post("/reset", foreign)).has("Set-Cookie"));
    CHECK(proxy.ask(post("/setName", foreign)).set_cookie().size() > 20);
  }
  CHECK(proxy.count(Counter::RejectedMalformed) + proxy.count(Counter::RejectedUnknownKey) +
            proxy.count(Counter::RejectedForged) ==
        16);
  CHECK(proxy.log().find(mine) == std::string::npos);
}

TEST_CASE("the log tells once a minute of cookies with our name that are none of ours",
          "[wire][session][foreign]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string mine = proxy.ask(post("/setName")).set_cookie();
  std::string forged = mine;
  forged[60] = forged[60] == 'A' ? 'B' : 'A';
  for (int i = 0; i < 3; ++i) {
    visit(proxy, backend, "eyJhIjoxfQ.x.y");
    visit(proxy, backend, forged);
  }
  CHECK(times(proxy.log(), "that Keepsake did not make") == 1);
  CHECK(times(proxy.log(), "does not authenticate") == 1);
  CHECK(proxy.log().find("session.cookie.name") != std::string::npos);
  proxy.advance(61s);
  visit(proxy, backend, "eyJhIjoxfQ.x.y");
  CHECK(times(proxy.log(), "that Keepsake did not make") == 2);
}

TEST_CASE("a cookie from the future stays until its time has come", "[wire][session][foreign]") {
  Backend backend;
  Proxy ahead{backend};
  Proxy proxy{backend};
  ahead.advance(40s);
  const std::string cookie = ahead.ask(post("/setName")).set_cookie();
  const Message response = visit(proxy, backend, cookie);
  CHECK_FALSE(response.has("Set-Cookie"));
  CHECK(response.value("Cache-Control") == "public, max-age=9");
  CHECK(proxy.count(Counter::RejectedFromFuture) == 1);
  CHECK(times(proxy.log(), "ahead of the clock here") == 1);
  CHECK_FALSE(proxy.ask(post("/reset", cookie)).has("Set-Cookie"));
  proxy.advance(10s);
  CHECK(proxy.ask(post("/setName", cookie)).value("Set-Cookie") == "(absent)");  // the same name
}

TEST_CASE("a backend's cookie with the session's name is told of with the remedy, seldom",
          "[wire][session][foreign]") {
  Backend backend;
  Proxy proxy{backend};
  for (int i = 0; i < 3; ++i) {
    Link client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    Link link = backend.accept();
    link.read_request();
    link.send(
        "HTTP/1.1 200 OK\r\nSet-Cookie: session=theirs\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n");
    CHECK_FALSE(client.read_response().has("Set-Cookie"));
  }
  CHECK(proxy.count(Counter::DroppedSetCookies) == 3);
  CHECK(times(proxy.log(), "session.cookie.name") == 1);
  CHECK(proxy.log().find("theirs") == std::string::npos);
}

TEST_CASE("a Secure cookie over plain http is told of with the remedy, seldom",
          "[wire][session][foreign]") {
  Backend backend;
  Proxy proxy{config("cookie: {name: __Host-s, secure: true}"), {{"BACKEND", backend.url()}}};
  for (int i = 0; i < 3; ++i) {
    CHECK(proxy.ask(post("/setName")).set_cookie("__Host-s").size() > 20);
  }
  CHECK(times(proxy.log(), "over plain http, where browsers drop it") == 1);
}
