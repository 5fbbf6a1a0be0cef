// How long a session lives, shown at its edges by the manual clock.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;
using std::chrono::seconds;

namespace {

const char* const kShort = R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  idle_timeout: 100s
  absolute_timeout: 300s
  touch_interval: 10s
  COOKIE
)";

std::string config(const std::string& more = "") {
  std::string text = kShort;
  return text.replace(text.find("COOKIE"), 6, more);
}

constexpr const char* kSet =
    "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "Content-Length: 8\r\n\r\nname=Ada";

struct Visit {
  std::string name;
  std::string cookie;
};

Visit visit(const Proxy& proxy, Backend& backend, const std::string& cookie) {
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + cookie + "\r\n\r\n");
  Link link = backend.accept();
  Visit seen;
  seen.name = link.read_request().value("X-Session-Name");
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  seen.cookie = client.read_response().set_cookie();
  return seen;
}

}  // namespace

TEST_CASE("a session that is not used dies at its idle timeout", "[wire][lifetime]") {
  Backend backend;
  Proxy proxy{config(), {{"BACKEND", backend.url()}}};
  const std::string cookie = proxy.ask(kSet).set_cookie();
  proxy.advance(seconds{99});
  CHECK(visit(proxy, backend, cookie).name == "Ada");
  proxy.advance(seconds{1});
  CHECK(visit(proxy, backend, cookie).name == "Ada");
  proxy.advance(seconds{1});
  const Visit late = visit(proxy, backend, cookie);
  CHECK(late.name == "(absent)");
  CHECK(late.cookie.empty());
}

TEST_CASE("a used session is stamped again at most once per touch interval", "[wire][lifetime]") {
  Backend backend;
  Proxy proxy{config(), {{"BACKEND", backend.url()}}};
  const std::string cookie = proxy.ask(kSet).set_cookie();
  proxy.advance(seconds{9});
  CHECK(visit(proxy, backend, cookie).cookie == "(absent)");
  proxy.advance(seconds{1});
  const Visit touched = visit(proxy, backend, cookie);
  CHECK(touched.name == "Ada");
  REQUIRE(touched.cookie != "(absent)");
  proxy.advance(seconds{100});
  CHECK(visit(proxy, backend, touched.cookie).name == "Ada");
  CHECK(visit(proxy, backend, cookie).name == "(absent)");
}

TEST_CASE("no touch moves the absolute end of a session", "[wire][lifetime]") {
  Backend backend;
  Proxy proxy{config(), {{"BACKEND", backend.url()}}};
  std::string cookie = proxy.ask(kSet).set_cookie();
  for (int i = 0; i < 5; ++i) {
    proxy.advance(seconds{50});
    cookie = visit(proxy, backend, cookie).cookie;
    REQUIRE(cookie.size() > 20);
  }
  proxy.advance(seconds{50});
  CHECK(visit(proxy, backend, cookie).name == "Ada");
  proxy.advance(seconds{1});
  CHECK(visit(proxy, backend, cookie).name == "(absent)");
}

TEST_CASE("a cookie from the future is not believed", "[wire][lifetime]") {
  Backend backend;
  Proxy ahead{config(), {{"BACKEND", backend.url()}}};
  Proxy proxy{config(), {{"BACKEND", backend.url()}}};
  ahead.advance(seconds{30});
  CHECK(visit(proxy, backend, ahead.ask(kSet).set_cookie()).name == "Ada");
  ahead.advance(seconds{1});
  CHECK(visit(proxy, backend, ahead.ask(kSet).set_cookie()).name == "(absent)");
}

TEST_CASE("keys rotate without a logout", "[wire][lifetime]") {
  Backend backend;
  const std::string first = config();
  std::string both = first;
  both.replace(both.find("[{env: SESSION_KEY}]"), 20, "[{env: OTHER_KEY}, {env: SESSION_KEY}]");
  std::string second = first;
  second.replace(second.find("SESSION_KEY"), 11, "OTHER_KEY");
  Proxy proxy{first, {{"BACKEND", backend.url()}}};
  const std::string old = proxy.ask(kSet).set_cookie();
  proxy.reload(both);
  proxy.wait_until("the new keys are in use",
                   [&] { return visit(proxy, backend, old).cookie != "(absent)"; });
  const Visit moved = visit(proxy, backend, old);
  CHECK(moved.name == "Ada");
  CHECK(visit(proxy, backend, moved.cookie).cookie == "(absent)");
  proxy.reload(second);
  proxy.wait_until("the old key is gone",
                   [&] { return visit(proxy, backend, old).name == "(absent)"; });
  CHECK(visit(proxy, backend, moved.cookie).name == "Ada");
}

TEST_CASE("a cookie sealed for another name or by another secret opens nothing",
          "[wire][lifetime]") {
  Backend backend;
  Proxy proxy{config(), {{"BACKEND", backend.url()}}};
  Proxy renamed{config("cookie: {name: other}"), {{"BACKEND", backend.url()}}};
  const std::string cookie = renamed.ask(kSet).set_cookie("other");
  REQUIRE(cookie != "(absent)");
  CHECK(visit(proxy, backend, cookie).name == "(absent)");
}

TEST_CASE("the clearing cookie has exactly the attributes of the one it clears",
          "[wire][lifetime]") {
  Backend backend;
  Proxy proxy{config("cookie: {name: __Secure-id, path: /, domain: a.example, lifetime: 1d, "
                     "secure: true, same_site: none, partitioned: true}"),
              {{"BACKEND", backend.url()}}};
  std::string request = kSet;
  request.replace(request.find("Host: a"), 7, "Host: a.example");
  const Message set = proxy.ask(request);
  const std::string cookie = set.set_cookie("__Secure-id");
  std::string attributes = set.value("Set-Cookie");
  attributes.erase(0, ("__Secure-id=" + cookie).size());
  CHECK(attributes ==
        "; Path=/; HttpOnly; SameSite=None; Domain=a.example; Max-Age=86400; Secure; Partitioned");
  proxy.advance(seconds{101});
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: www.a.example\r\nCookie: __Secure-id=" + cookie +
              "; __secure-ID=x; y=z\r\n\r\n");
  Link link = backend.accept();
  CHECK(link.read_request().value("Cookie") == "y=z");
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.read_response().value("Set-Cookie") ==
        "__Secure-id=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly; "
        "SameSite=None; Domain=a.example; Secure; Partitioned");
}

TEST_CASE("Secure follows a trusted peer's word about its client's link", "[wire][lifetime]") {
  Backend backend;
  const bool trusted = GENERATE(false, true);
  Proxy proxy{(trusted ? "trusted_proxies: [127.0.0.1/32]" : "") + config(),
              {{"BACKEND", backend.url()}}};
  const auto secure = [&](const std::string& lines) {
    std::string request = kSet;
    request.insert(request.find("Host"), lines);
    return proxy.ask(request).value("Set-Cookie").find("; Secure") != std::string::npos;
  };
  CHECK_FALSE(secure(""));
  CHECK(secure("X-Forwarded-Proto: https\r\n") == trusted);
  CHECK(secure("X-Forwarded-Proto: http, https\r\n") == trusted);
  CHECK(secure("Forwarded: for=1.2.3.4;proto=https\r\n") == trusted);
  CHECK_FALSE(secure("X-Forwarded-Proto: https, http\r\n"));
}
