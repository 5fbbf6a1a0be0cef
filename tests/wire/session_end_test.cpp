// Every way in which a session can end, each shown on its own: reset, the last value, the idle and
// the absolute timeout and not_before, from the start and by reload, for every format and store.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;
using std::chrono::seconds;

namespace {

constexpr std::string_view kCleared =
    "session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly; SameSite=Lax";

// What a proxy is started with, one line of `session` at a time.
std::string config(std::string_view kind, std::string_view more = "") {
  return R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  idle_timeout: 100s
  absolute_timeout: 300s
  touch_interval: 10s
  )" + std::string{kind} +
         "\n  " + std::string{more} + "\n";
}

struct Visit {
  std::string name;
  std::string set_cookie;
  std::string cookie;
};

Visit visit(const Proxy& proxy, Backend& backend, const std::string& cookie) {
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + cookie + "\r\n\r\n");
  Link link = backend.accept();
  Visit seen;
  seen.name = link.read_request().value("X-Session-Name");
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  const Message response = client.read_response();
  seen.set_cookie = response.value("Set-Cookie");
  seen.cookie = response.set_cookie();
  return seen;
}

std::string post(std::string_view path, std::string_view form, const std::string& cookie = "") {
  return "POST " + std::string{path} +
         " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
         (cookie.empty() ? "" : "Cookie: session=" + cookie + "\r\n") +
         "Content-Length: " + std::to_string(form.size()) + "\r\n\r\n" + std::string{form};
}

std::string arrive(const Proxy& proxy) {
  return proxy.ask(post("/setName", "name=Ada")).set_cookie();
}

std::string any_kind() {
  return GENERATE(std::string{"store: cookie"}, std::string{"store: memory"},
                  std::string{"format: flask"});
}

}  // namespace

TEST_CASE("a session ends by a reset (S-38)", "[wire][session_end]") {
  const std::string kind = any_kind();
  CAPTURE(kind);
  Backend backend;
  Proxy proxy{config(kind), {{"BACKEND", backend.url()}}};
  const std::string cookie = arrive(proxy);
  CHECK(visit(proxy, backend, cookie).name == "Ada");
  const Message reset = proxy.ask(post("/reset", "", cookie));
  CHECK(reset.status() == 303);
  CHECK(reset.value("Set-Cookie") == kCleared);
  if (kind == "store: memory") {  // for every copy of its cookie
    CHECK(visit(proxy, backend, cookie).name == "(absent)");
  }
}

TEST_CASE("a session ends with its last value (S-38)", "[wire][session_end]") {
  const std::string kind = any_kind();
  CAPTURE(kind);
  Backend backend;
  Proxy proxy{config(kind), {{"BACKEND", backend.url()}}};
  const Message removed = proxy.ask(post("/setName", "name=", arrive(proxy)));
  CHECK(removed.status() == 303);
  CHECK(removed.value("Set-Cookie") == kCleared);
}

TEST_CASE("a session that idles ends a second after its timeout (S-20, S-38)",
          "[wire][session_end][lifetime]") {
  const std::string kind = any_kind();
  CAPTURE(kind);
  Backend backend;
  Proxy proxy{config(kind), {{"BACKEND", backend.url()}}};
  for (const int age : {99, 100, 101}) {
    CAPTURE(age);
    const std::string cookie = arrive(proxy);
    proxy.advance(seconds{age});
    const Visit seen = visit(proxy, backend, cookie);
    CHECK(seen.name == (age <= 100 ? "Ada" : "(absent)"));
    CHECK((seen.set_cookie == kCleared) == (age > 100));
  }
}

TEST_CASE("a session that is used ends a second after its absolute timeout (S-20, S-38)",
          "[wire][session_end][lifetime]") {
  const std::string kind = GENERATE(std::string{"store: cookie"}, std::string{"store: memory"});
  CAPTURE(kind);
  Backend backend;
  Proxy proxy{config(kind), {{"BACKEND", backend.url()}}};
  for (const int age : {299, 300, 301}) {
    CAPTURE(age);
    std::string cookie = arrive(proxy);
    for (int past = 0; past < 250; past += 50) {
      proxy.advance(seconds{50});
      const Visit seen = visit(proxy, backend, cookie);
      REQUIRE(seen.name == "Ada");
      cookie = seen.cookie == "(absent)" ? cookie : seen.cookie;
    }
    proxy.advance(seconds{age - 250});
    const Visit seen = visit(proxy, backend, cookie);
    CHECK(seen.name == (age <= 300 ? "Ada" : "(absent)"));
    CHECK((seen.set_cookie == kCleared) == (age > 300));
  }
}

TEST_CASE("a used session is stamped anew from its touch interval on, not a second before (S-20)",
          "[wire][session_end][lifetime]") {
  const std::string kind = GENERATE(std::string{"store: cookie"}, std::string{"format: flask"});
  CAPTURE(kind);
  Backend backend;
  Proxy proxy{config(kind), {{"BACKEND", backend.url()}}};
  for (const int age : {9, 10, 11}) {
    CAPTURE(age);
    const std::string cookie = arrive(proxy);
    proxy.advance(seconds{age});
    const Visit seen = visit(proxy, backend, cookie);
    CHECK(seen.name == "Ada");
    CHECK((seen.cookie != "(absent)") == (age >= 10));
  }
}

TEST_CASE("not_before ends what was created before it and nothing else (S-38)",
          "[wire][session_end][lifetime]") {
  const std::string kind = any_kind();
  CAPTURE(kind);
  Backend backend;
  // The clock starts at 22:13:20.
  Proxy proxy{config(kind), {{"BACKEND", backend.url()}}};
  const std::string before = arrive(proxy);
  proxy.advance(seconds{1});
  const std::string at = arrive(proxy);
  proxy.advance(seconds{1});
  const std::string after = arrive(proxy);
  const auto all_known = [&] {
    return visit(proxy, backend, before).name == "Ada" && visit(proxy, backend, at).name == "Ada" &&
           visit(proxy, backend, after).name == "Ada";
  };
  CHECK(all_known());
  SECTION("by a reload, at once") {
    proxy.reload(config(kind, "not_before: 2023-11-14T22:13:21Z"));
    proxy.wait_until("the date holds",
                     [&] { return visit(proxy, backend, before).name == "(absent)"; });
    CHECK(visit(proxy, backend, before).set_cookie == kCleared);
    CHECK(visit(proxy, backend, at).name == "Ada");
    CHECK(visit(proxy, backend, after).name == "Ada");
    CHECK(proxy.count(Counter::RejectedNotBefore) >= 2);
    // a set begins a new session instead of the one that is over
    const Message fresh = proxy.ask(post("/setName", "name=Bob", before));
    CHECK(visit(proxy, backend, fresh.set_cookie()).name == "Bob");
  }
  SECTION("a reload without it brings them back, for nothing was forgotten") {
    proxy.reload(config(kind, "not_before: 2023-11-14T22:13:22Z"));
    proxy.wait_until("the date holds",
                     [&] { return visit(proxy, backend, at).name == "(absent)"; });
    CHECK(visit(proxy, backend, after).name == "Ada");
    proxy.reload(config(kind));
    proxy.wait_until("the date is gone", all_known);
  }
  SECTION("a date in another time zone is the same date") {
    proxy.reload(config(kind, "not_before: 2023-11-14T23:13:21+01:00"));
    proxy.wait_until("the date holds",
                     [&] { return visit(proxy, backend, before).name == "(absent)"; });
    CHECK(visit(proxy, backend, at).name == "Ada");
  }
}
