// Routes that are a redirect and nothing else.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

std::string with_routes(const std::string& routes) {
  return "listen: [{address: \"127.0.0.1:0\"}]\n"
         "backends: {app: {servers: [\"${BACKEND}\"]}}\n"
         "session: {secrets: [{env: SESSION_KEY}]}\n"
         "routes:\n" +
         routes + "  - {path: \"/*\", backend: app}\n";
}

Message get(const Proxy& proxy, const std::string& target, const std::string& host = "a") {
  return proxy.ask("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
}

}  // namespace

TEST_CASE("a redirect route answers every method with its status and keeps the query",
          "[wire][redirect]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: /code, redirect: /code/, status: 308}\n"
                          "  - {path: /old, redirect: \"/new?from=old#top\", status: 301}\n"
                          "  - {path: /see, redirect: \"https://b.example/x\"}\n"),
              {{"BACKEND", backend.url()}}};
  const auto [target, status, location] = GENERATE(table<std::string, unsigned, std::string>({
      {"/code", 308, "/code/"},
      {"/code?a=b&c", 308, "/code/?a=b&c"},
      {"/code?", 308, "/code/"},
      {"http://a?x", 0, ""},
      {"/%63ode", 308, "/code/"},
      {"/old", 301, "/new?from=old#top"},
      {"/old?a=b", 301, "/new?from=old&a=b#top"},
      {"/see?q", 303, "https://b.example/x?q"},
  }));
  if (status == 0) {
    return;
  }
  CAPTURE(target);
  const Message response = get(proxy, target);
  CHECK(response.status() == status);
  CHECK(response.value("Location") == location);
  CHECK(response.value("Content-Length") == "0");
  CHECK_FALSE(response.has("Set-Cookie"));
  CHECK_FALSE(response.has("Vary"));
  CHECK_FALSE(response.has("Cache-Control"));
  for (const char* method : {"POST", "HEAD", "OPTIONS", "DELETE", "MKCOL"}) {
    CAPTURE(method);
    CHECK(proxy
              .ask(std::string{method} + " " + target +
                   " HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: cross-site\r\n\r\n")
              .status() == status);
  }
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("a redirect of a host goes to another with the path", "[wire][redirect]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: \"/*\", host: www.a.example, redirect: "
                          "\"https://a.example/*\", status: 301}\n"),
              {{"BACKEND", backend.url()}}};
  for (const auto& [target, location] : std::vector<std::pair<std::string, std::string>>{
           {"/", "https://a.example/"},
           {"/x/y?z", "https://a.example/x/y?z"},
           {"/x/../y", "https://a.example/y"},
           {"//evil.example/", "https://a.example//evil.example/"}}) {
    CHECK(get(proxy, target, "WWW.a.example.").value("Location") == location);
  }
}

TEST_CASE("what stands below a prefix goes along and never becomes another host",
          "[wire][redirect]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: \"/old/*\", redirect: \"/*\", status: 302}\n"
                          "  - {path: \"/a/*\", redirect: \"/b/*\", status: 302}\n"
                          "  - {path: \"/c/*\", redirect: /d/, status: 302}\n"),
              {{"BACKEND", backend.url()}}};
  CHECK(get(proxy, "/old/x?y").value("Location") == "/x?y");
  CHECK(get(proxy, "/old").value("Location") == "/");
  CHECK(get(proxy, "/a/x/").value("Location") == "/b/x/");
  CHECK(get(proxy, "/a").value("Location") == "/b");
  CHECK(get(proxy, "/a//x").value("Location") == "/b//x");
  CHECK(get(proxy, "/c/x").value("Location") == "/d/");
  CHECK(get(proxy, "/old//evil.example/").status() == 400);
  CHECK(get(proxy, "/old/\\evil.example/").status() == 400);
}

TEST_CASE("guards and methods of a redirect route hold", "[wire][redirect]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: /x, redirect: /y, methods: [GET], rate_limit: {requests: 1, "
                          "every: 1h}}\n"
                          "  - {path: /x, redirect: /z, status: 307}\n"),
              {{"BACKEND", backend.url()}}};
  CHECK(get(proxy, "/x").value("Location") == "/y");
  const Message refused = get(proxy, "/x");
  CHECK(refused.status() == 429);
  CHECK(refused.value("Cache-Control") == "no-store");
  CHECK(proxy.ask("POST /x HTTP/1.1\r\nHost: a\r\n\r\n").value("Location") == "/z");
}
