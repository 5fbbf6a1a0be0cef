// The way back to the page that was requested before the login.

#include "support/catch.hpp"
#include "wire/sign_in.hpp"

using namespace keepsake;
using namespace keepsake::test;
using std::chrono::seconds;

namespace {

const std::string kRoutes =
    "  - {path: /enter, set: {color: color}, redirect: return}\n"
    "  - {path: /leave, clear: true, redirect: return}\n"
    "  - {path: /language, set: {language: language}, redirect: back}\n"
    "  - {path: \"/account/*\", backend: app, require: [user], else: /login}\n";
const std::string kHeaders = "  headers: {X-Return: {return: true}}\n";
constexpr const char* kPage = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";

std::string post(const std::string& path, const std::string& lines,
                 const std::string& form = "color=red&language=en") {
  return "POST " + path +
         " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n" + lines +
         "Content-Length: " + std::to_string(form.size()) + "\r\n\r\n" + form;
}

// The return cookie of a visitor that was sent away from `target`; empty if no page was kept.
std::string sent_away_from(const Proxy& proxy, const std::string& target,
                           const std::string& lines = kPage) {
  const Message response = proxy.ask(get(target, lines));
  CHECK(response.status() == 303);
  const std::string value = response.set_cookie("session-return");
  return value == "(absent)" ? "" : "session-return=" + value;
}

constexpr const char* kCleared =
    "session-return=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly; "
    "SameSite=Lax";

}  // namespace

TEST_CASE("an action leads back to the page that was asked for, once", "[wire][return]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  const std::string kept = sent_away_from(proxy, "/account/a%20b?c=d&e");
  const Message response = proxy.ask(post("/enter", cookie_line(kept)));
  CHECK(response.status() == 303);
  CHECK(response.value("Location") == "/account/a%20b?c=d&e");
  const std::vector<std::string> cookies = response.values("Set-Cookie");
  REQUIRE(cookies.size() == 2);
  CHECK(cookies[0].starts_with("session="));
  CHECK(cookies[1] == kCleared);
  CHECK(response.values("Cache-Control") == std::vector<std::string>{"private, no-store"});
  CHECK(proxy.ask(post("/enter", "")).value("Location") == "/");
}

TEST_CASE("the return cookie lasts ten minutes", "[wire][return]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  const Message away = proxy.ask(get("/account/x", kPage));
  const std::string line = away.value("Set-Cookie");
  for (const char* attribute : {"; Max-Age=600", "; Path=/", "; HttpOnly", "; SameSite=Lax"}) {
    CHECK(line.find(attribute) != std::string::npos);
  }
  const std::string kept = "session-return=" + away.set_cookie("session-return");
  proxy.advance(seconds{600});
  CHECK(proxy.ask(post("/enter", cookie_line(kept))).value("Location") == "/account/x");
  proxy.advance(seconds{1});
  CHECK(proxy.ask(post("/enter", cookie_line(kept))).value("Location") == "/");
}

TEST_CASE("a forged return cookie leads to the front page", "[wire][return]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  std::string with_other_key = signing_in(kRoutes);
  with_other_key.replace(with_other_key.find("SESSION_KEY"), 11, "OTHER_KEY");
  Proxy other{with_other_key, {{"BACKEND", backend.url()}}};
  const std::string kept = sent_away_from(proxy, "/account/x");
  for (const std::string& cookie :
       {kept + "A", kept.substr(0, kept.size() - 1), std::string{"session-return=/account/x"},
        std::string{"session-return=//evil.example"}, std::string{"session-return"},
        sent_away_from(other, "/account/x")}) {
    CAPTURE(cookie);
    CHECK(proxy.ask(post("/enter", cookie_line(cookie))).value("Location") == "/");
  }
  // The first that opens counts.
  CHECK(proxy.ask(post("/enter", cookie_line("session-return=x; " + kept))).value("Location") ==
        "/account/x");
}

TEST_CASE("the last page that was asked for is kept", "[wire][return]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  const std::string first = sent_away_from(proxy, "/account/first");
  const std::string second = sent_away_from(proxy, "/account/second", kPage + cookie_line(first));
  CHECK(proxy.ask(post("/enter", cookie_line(second))).value("Location") == "/account/second");
}

TEST_CASE("no page is kept for what nobody looks at", "[wire][return]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  for (const std::string lines : {"Sec-Fetch-Mode: navigate\r\nSec-Purpose: prefetch\r\n",
                                  "Sec-Fetch-Mode: navigate\r\nSec-Purpose: prefetch;prerender\r\n",
                                  "Accept: text/html\r\nX-Moz: prefetch\r\n",
                                  "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n"}) {
    CAPTURE(lines);
    CHECK(sent_away_from(proxy, "/account/x", lines).empty());
  }
  CHECK(sent_away_from(proxy, "/account/" + std::string(1015, 'a')).size() > 1000);
  CHECK(sent_away_from(proxy, "/account/" + std::string(1016, 'a')).empty());
  CHECK(sent_away_from(proxy, "/account/?q=%0d%0aSet-Cookie:%20x=y").empty());
  CHECK(sent_away_from(proxy, "/account/?q=%5C").empty());
}

TEST_CASE("no location leads to another host", "[wire][return]") {
  Backend backend;
  Proxy proxy{signing_in("  - {path: \"/enter\", set: {color: color}, redirect: return}\n"
                         "  - {path: /login, backend: app}\n"
                         "  - {path: \"/*\", backend: app, require: [user], else: /login}\n"),
              {{"BACKEND", backend.url()}}};
  for (const char* target : {"//evil.example", "//evil.example/%2e%2e", "/\\evil.example",
                             "/%5cevil.example", "/%09//evil.example", "/%0d%0aa:b"}) {
    CAPTURE(target);
    CHECK(sent_away_from(proxy, target).empty());
  }
  CHECK_FALSE(sent_away_from(proxy, "http://a/x?y").empty());
}

TEST_CASE("a backend that signs in is told the page", "[wire][return]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes, kHeaders), {{"BACKEND", backend.url()}}};
  const std::string kept = sent_away_from(proxy, "/account/a%20b?c=d");
  const Exchanged login =
      pass(proxy, backend, get("/login", "X-Return: //evil\r\n" + cookie_line("a=b; " + kept)));
  CHECK(login.request.value("X-Return") == "/account/a%20b?c=d");
  CHECK(login.request.value("Cookie") == "a=b");
  CHECK_FALSE(login.response.has("Set-Cookie"));
  CHECK_FALSE(pass(proxy, backend, get("/login", "X_Return: /x\r\n")).request.has("X-Return"));
}

TEST_CASE("the cookie goes when its page is reached", "[wire][return]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes, kHeaders), {{"BACKEND", backend.url()}}};
  const std::string kept = sent_away_from(proxy, "/account/x?y");
  const std::string both = sign_in(proxy, backend, "user=ada", kept) + "; " + kept;
  CHECK_FALSE(
      pass(proxy, backend, get("/account/other", cookie_line(both))).response.has("Set-Cookie"));
  CHECK(pass(proxy, backend, get("/account/x?y", cookie_line(both))).response.value("Set-Cookie") ==
        kCleared);
}

TEST_CASE("the return cookie is nobody else's", "[wire][return]") {
  Backend backend;
  Proxy proxy{signing_in("  - {path: /static, backend: app, session: false}\n" + kRoutes),
              {{"BACKEND", backend.url()}}};
  const Exchanged seen =
      pass(proxy, backend, get("/static", cookie_line("session-return=x; session-returned=y")),
           "Set-Cookie: session-return=mine\r\nSet-Cookie: session-returned=theirs\r\n");
  CHECK(seen.request.value("Cookie") == "session-returned=y");
  CHECK(seen.response.value("Set-Cookie") == "session-returned=theirs");
}

TEST_CASE("without else the name is free", "[wire][return]") {
  Backend backend;
  Proxy proxy{signing_in("  - {path: /account, backend: app, require: [user]}\n"),
              {{"BACKEND", backend.url()}}};
  const Exchanged seen = pass(proxy, backend, get("/", cookie_line("session-return=x")),
                              "Set-Cookie: session-return=y\r\n");
  CHECK(seen.request.value("Cookie") == "session-return=x");
  CHECK(seen.response.value("Set-Cookie") == "session-return=y");
  CHECK(proxy.ask(get("/account", kPage)).status() == 401);
}

TEST_CASE("redirect: back leads to the page of the form", "[wire][return]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  const auto location = [&](const std::string& lines) {
    return proxy.ask(post("/language", lines)).value("Location");
  };
  CHECK(location("Referer: http://a/shop?page=2\r\n") == "/shop?page=2");
  CHECK(location("Sec-Fetch-Site: same-origin\r\nReferer: https://a/shop\r\n") == "/shop");
  CHECK(location("") == "/");
  for (const std::string referer :
       {"http://evil.example/x", "http://a//evil.example", "http://a/\\evil.example",
        "http://a/%5cevil", "http://a/%09//evil", "http://a/%0d%0aX:y", "/x", "http://a:8080/x",
        "http://a@evil/x", "javascript:alert(1)"}) {
    CAPTURE(referer);
    CHECK(location("Sec-Fetch-Site: same-origin\r\nReferer: " + referer + "\r\n") == "/");
  }
  CHECK(location("Sec-Fetch-Site: none\r\nReferer: http://a/x\r\nReferer: http://a/y\r\n") == "/");
}
