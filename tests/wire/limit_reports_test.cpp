// A refusal by a limit is told to the operator: which setting of which route it was.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kConfig = R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /, limits: {form: 50B}}
  - {path: /setColor, set: {color: name}, redirect: /}
  - {path: /setSize, set: {size: name}, redirect: /}
  - {path: /upload, backend: app, limits: {body: 10B}}
  - {path: /often, backend: app, rate_limits: [{requests: 1000, every: 1s}, {requests: 1, every: 1h}]}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  max_value: 20B
  max_values: MOST
limits: {body: 100B, form: 90B, target: 64B, header: 512B, headers: 5}
)";

std::string config(const std::string& most = "2") {
  std::string text{kConfig};
  return text.replace(text.find("MOST"), 4, most);
}

std::string post(const std::string& path, const std::string& form, const std::string& cookie = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\n" +
         (cookie.empty() ? "" : "Cookie: session=" + cookie + "\r\n") +
         "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
         std::to_string(form.size()) + "\r\n\r\n" + form;
}

std::size_t times(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

}  // namespace

TEST_CASE("a refusal by a limit names the setting and the route, once a minute", "[wire][limits]") {
  Backend backend;
  Proxy proxy{config(), {{"BACKEND", backend.url()}}};
  const auto refused = [&](const std::string& request, unsigned status, const std::string& words) {
    CAPTURE(words);
    for (int i = 0; i < 2; ++i) {
      CHECK(proxy.ask(request).status() == status);
    }
    CHECK(times(proxy.log(), words) == 1);
    proxy.advance(61s);
  };
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";
  refused("GET /" + std::string(64, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414,
          "limits.target: 64B");
  refused(get + "X: " + std::string(600, 'x') + "\r\n\r\n", 431, "by limits.header: 512B");
  refused(get + "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\n\r\n", 431, "by limits.headers: 5");
  refused(
      post("/upload", std::string(11, 'x')), 413,
      "a request of routes[3], path: /upload, was refused with 413 by routes[3].limits.body: 10B");
  refused(post("/x", std::string(101, 'x')), 413,
          "a request of routes[5], path: /*, was refused with 413 by limits.body: 100B");
  refused(post("/setName", "name=" + std::string(50, 'x')), 413, "by routes[0].limits.form: 50B");
  refused(post("/setColor", "name=" + std::string(90, 'x')), 413, "by limits.form: 90B");
  refused(post("/setColor", "name=" + std::string(21, 'x')), 413, "by session.max_value: 20B");
  CHECK(proxy.log().find("xxxx") == std::string::npos);
}

TEST_CASE("a refusal by a rate limit says which one it was", "[wire][limits]") {
  Backend backend;
  Proxy proxy{config(), {{"BACKEND", backend.url()}}};
  const std::string get = "GET /often HTTP/1.1\r\nHost: a\r\n\r\n";
  Link client = proxy.connect();
  client.send(get);
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.read_response().status() == 200);
  CHECK(proxy.ask(get).status() == 429);
  CHECK(times(proxy.log(), "routes[4].rate_limits[1]") == 1);
}

// Refused before it has said which protocol it speaks, the client is answered in HTTP/1.
TEST_CASE("connections that are refused are told of once a minute, with the setting",
          "[wire][limits][http1]") {
  const std::string key = GENERATE("connections", "connections_per_client");
  CAPTURE(key);
  Backend backend;
  Proxy proxy{backend, "limits: {" + key + ": 1}\ntimeouts: {header: 1h, idle: 1h}\n"};
  const Link first = proxy.connect();
  proxy.wait_until("it is there", [&] { return proxy.connections() == 1; });
  const std::string words = "connections are refused: limits." + key + " (1) are open";
  const auto refuse = [&] {
    Link client = proxy.connect();
    CHECK(client.read_response().status() == 503);
    client.read_rest();
  };
  refuse();
  refuse();
  CHECK(times(proxy.log(), words) == 1);
  proxy.advance(61s);
  refuse();
  CHECK(times(proxy.log(), words) == 2);
}

TEST_CASE("a request beyond max_requests and its queue names both settings", "[wire][limits]") {
  Backend backend;
  Proxy proxy{R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"], max_requests: 1, queue: {size: 0, timeout: 2s}}}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
)",
              {{"BACKEND", backend.url()}}};
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  Link client = proxy.connect();
  client.send(get);
  Link link = backend.accept();
  link.read_request();
  for (int i = 0; i < 2; ++i) {
    CHECK(proxy.ask(get).status() == 503);
  }
  CHECK(times(proxy.log(),
              "a request of routes[0], path: /*, was refused with 503 by "
              "backends.app.max_requests: 1, with queue: {size: 0, timeout: 2s}") == 1);
}

TEST_CASE("a backend that refuses a head with session headers is told of with the remedy, seldom",
          "[wire][limits][session]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string cookie = proxy.ask(post("/setName", "name=Ada")).set_cookie();
  const auto refuse = [&](const std::string& lines) {
    Link client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n");
    Link link = backend.accept();
    link.read_request();
    link.send(
        "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n");
    CHECK(client.read_response().status() == 431);
  };
  const std::string words = "answered 431 to a request with session headers";
  refuse("");  // of a visitor without a session: the client's own headers were too much
  CHECK(times(proxy.log(), words) == 0);
  refuse("Cookie: session=" + cookie + "\r\n");
  refuse("Cookie: session=" + cookie + "\r\n");
  CHECK(times(proxy.log(), words) == 1);
  CHECK(times(proxy.log(), "Lower session.max_values") == 1);
}

TEST_CASE("the client learns how much a limit allows", "[wire][limits]") {
  Backend backend;
  Proxy proxy{config(), {{"BACKEND", backend.url()}}};
  CHECK(proxy.ask(post("/upload", std::string(11, 'x'))).body.find("at most 10 bytes") !=
        std::string::npos);
  CHECK(proxy.ask("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(600, 'x') + "\r\n\r\n")
            .body.find("at most 512 bytes") != std::string::npos);
}

TEST_CASE("a session with more values than a lowered limit shrinks and does not grow",
          "[wire][limits][session]") {
  const std::string store = GENERATE(std::string{"cookie"}, std::string{"memory"});
  CAPTURE(store);
  const std::string kind = "\n  store: " + store;
  Backend backend;
  Proxy proxy{config("3" + kind), {{"BACKEND", backend.url()}}};
  std::string cookie = proxy.ask(post("/setName", "name=Ada")).set_cookie();
  const auto change = [&](const std::string& path, const std::string& form) {
    const Message answer = proxy.ask(post(path, form, cookie));
    if (answer.set_cookie() != "(absent)") {
      cookie = answer.set_cookie();
    }
    return answer.status();
  };
  CHECK(change("/setColor", "name=red") == 303);
  CHECK(change("/setSize", "name=big") == 303);
  proxy.reload(config("1" + kind));
  CHECK(change("/setSize", "name=small") == 303);  // as many as before
  CHECK(change("/setSize", "name=") == 303);
  CHECK(change("/setSize", "name=big") == 413);
  CHECK(change("/setColor", "name=blue") == 303);
  CHECK(change("/setColor", "name=") == 303);
  CHECK(change("/setColor", "name=red") == 413);
  CHECK(change("/setName", "name=Bob") == 303);
}
