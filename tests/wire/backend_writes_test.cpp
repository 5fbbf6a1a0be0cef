// A backend that may write the session by response headers, and one that may not.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

const char* const kWriting = R"(
listen: [{address: "127.0.0.1:0"}]
backends:
  app: {servers: ["${BACKEND}"], writes_session: true}
routes:
  - {path: "/static/*", backend: app, session: false}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  headers: {X-A: a, X-B: b}
  max_values: 2
  max_value: 10B
)";

struct Seen {
  Message request;
  Message response;
};

Seen exchange(const Proxy& proxy, Backend& backend, const std::string& cookie,
              const std::string& lines, const std::string& target = "/") {
  Link client = proxy.connect();
  client.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n" +
              (cookie.empty() ? "" : "Cookie: session=" + cookie + "\r\n") + "\r\n");
  Link link = backend.accept();
  Seen seen;
  seen.request = link.read_request();
  link.send("HTTP/1.1 200 OK\r\nX-Kept: 1\r\n" + lines +
            "Content-Length: 2\r\nConnection: close\r\n\r\nok");
  seen.response = client.read_response();
  return seen;
}

}  // namespace

TEST_CASE("what a backend writes comes back with the next request", "[wire][writes]") {
  Backend backend;
  Proxy proxy{kWriting, {{"BACKEND", backend.url()}}};
  const Seen first = exchange(proxy, backend, "", "X-Session-Set: a=1&b=x%20y\r\n");
  CHECK_FALSE(first.response.has("X-Session-Set"));
  CHECK(first.response.value("X-Kept") == "1");
  CHECK(first.response.value("Cache-Control") == "private, no-store");
  const std::string cookie = first.response.set_cookie();
  const Seen second =
      exchange(proxy, backend, cookie, "x-session-set: a=2\r\nX-Session-Set: b=&a=3\r\n");
  CHECK(second.request.value("X-A") == "1");
  CHECK(second.request.value("X-B") == "x y");
  const Seen third = exchange(proxy, backend, second.response.set_cookie(), "");
  CHECK(third.request.value("X-A") == "3");
  CHECK_FALSE(third.request.has("X-B"));
  CHECK_FALSE(third.response.has("Set-Cookie"));
}

TEST_CASE("a backend that clears ends the session, and may begin another", "[wire][writes]") {
  Backend backend;
  Proxy proxy{kWriting, {{"BACKEND", backend.url()}}};
  const std::string cookie =
      exchange(proxy, backend, "", "X-Session-Set: a=1\r\n").response.set_cookie();
  const Seen cleared = exchange(proxy, backend, cookie, "X-Session-Clear: true\r\n");
  CHECK(cleared.response.set_cookie().empty());
  CHECK_FALSE(cleared.response.has("X-Session-Clear"));
  const Seen fresh =
      exchange(proxy, backend, cookie, "X-Session-Clear: true\r\nX-Session-Set: b=2\r\n");
  const Seen after = exchange(proxy, backend, fresh.response.set_cookie(), "");
  CHECK_FALSE(after.request.has("X-A"));
  CHECK(after.request.value("X-B") == "2");
}

TEST_CASE("a write that does not fit is refused whole, counted and logged", "[wire][writes]") {
  Backend backend;
  Proxy proxy{kWriting, {{"BACKEND", backend.url()}}};
  const std::string cookie =
      exchange(proxy, backend, "", "X-Session-Set: a=1\r\n").response.set_cookie();
  std::uint64_t refused = 0;
  for (const char* line :
       {"X-Session-Set: a=2&b=12345678901\r\n", "X-Session-Set: a=2&b=2&c=3\r\n",
        "X-Session-Set: a=2&b=%ff\r\n", "X-Session-Set: a=2&b=%0d%0a\r\n",
        "X-Session-Set: a=2&=3\r\n", "X-Session-Clear: true\r\nX-Session-Set: a=%zz\r\n"}) {
    CAPTURE(line);
    const Seen seen = exchange(proxy, backend, cookie, line);
    CHECK(seen.response.status() == 200);
    CHECK(seen.response.body == "ok");
    CHECK(seen.response.value("X-Kept") == "1");
    CHECK_FALSE(seen.response.has("Set-Cookie"));
    CHECK(proxy.count(Counter::RefusedWrites) == ++refused);
  }
  CHECK(exchange(proxy, backend, cookie, "").request.value("X-A") == "1");
  CHECK(proxy.log().find("refused") != std::string::npos);
}

TEST_CASE("a write on a route without sessions is dropped", "[wire][writes]") {
  Backend backend;
  Proxy proxy{kWriting, {{"BACKEND", backend.url()}}};
  const Seen seen = exchange(proxy, backend, "", "X-Session-Set: a=1\r\n", "/static/x");
  CHECK_FALSE(seen.response.has("X-Session-Set"));
  CHECK_FALSE(seen.response.has("Set-Cookie"));
  CHECK_FALSE(seen.response.has("Vary"));
}

TEST_CASE("a write does not replace a session whose cookie another site's request does not carry",
          "[wire][writes][cross-site]") {
  const std::string same_site = GENERATE("lax", "strict", "none");
  CAPTURE(same_site);
  Backend backend;
  std::string yaml = kWriting;
  yaml += "  privileged: [b]\n  cookie: {secure: true, same_site: " + same_site + "}\n";
  Proxy proxy{yaml, {{"BACKEND", backend.url()}}};
  const auto begins = [&](const std::string& method, const std::string& lines,
                          const std::string& writes = "X-Session-Set: a=1\r\n") {
    Link client = proxy.connect();
    client.send(method + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" + lines + "\r\n");
    Link link = backend.accept();
    link.read_request();
    link.send("HTTP/1.1 200 OK\r\n" + writes + "Content-Length: 2\r\nConnection: close\r\n\r\nok");
    const Message response = client.read_response();
    CHECK(response.body == "ok");
    return response.has("Set-Cookie");
  };
  const std::string other = "Sec-Fetch-Site: cross-site\r\n";
  const std::string link = other + "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
  const bool none = same_site == "none";
  CHECK(begins("POST", link) == none);  // a payment provider's form
  CHECK(begins("GET", link) == (same_site != "strict"));
  CHECK(begins("GET", other + "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n") == none);
  CHECK(begins("GET", other + "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n") == none);
  CHECK((proxy.log().find("came from another site") == std::string::npos) == none);
  // What means to begin a session does so, and so does what came with its cookies or from nowhere.
  CHECK(begins("POST", link, "X-Session-Set: b=1\r\n"));
  CHECK(begins("POST", link, "X-Session-Set: a=1\r\nX-Session-Renew: true\r\n"));
  CHECK(begins("POST", link, "X-Session-Clear: true\r\nX-Session-Set: a=1\r\n"));
  CHECK(begins("POST", "Sec-Fetch-Site: same-site\r\n"));
  CHECK(begins("POST", "Sec-Fetch-Site: same-origin\r\n"));
  CHECK(begins("POST", "Sec-Fetch-Site: none\r\n"));
  CHECK(begins("POST", ""));
}

TEST_CASE("a client cannot write the session by these headers", "[wire][writes][spoofing]") {
  Backend backend;
  Proxy proxy{kWriting, {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Session-Set: a=1\r\nX-A: 1\r\n\r\n");
  Link link = backend.accept();
  CHECK_FALSE(link.read_request().has("X-A"));
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK_FALSE(client.read_response().has("Set-Cookie"));
}
