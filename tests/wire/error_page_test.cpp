// What the proxy itself says when something is wrong, and what it writes down.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

TEST_CASE("an error is a page for browsers and a problem document for programs", "[wire][errors]") {
  Backend backend;
  Proxy proxy{backend};
  backend.stop();
  const auto ask = [&](const std::string& lines, const std::string& method = "GET") {
    return proxy.ask(method + " / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n");
  };
  const Message page = ask("Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n");
  CHECK(page.status() == 502);
  CHECK(page.value("Content-Type") == "text/html; charset=utf-8");
  CHECK(page.body.starts_with("<!doctype html>"));
  const Message problem = ask("");
  CHECK(problem.value("Content-Type") == "application/problem+json");
  CHECK(problem.body.find("\"status\":502") != std::string::npos);
  for (const Message& message : {page, problem}) {
    CHECK(message.value("Cache-Control") == "no-store");
    CHECK(message.value("Content-Length") == std::to_string(message.body.size()));
    CHECK(message.has("Date"));
    CHECK_FALSE(message.has("Server"));
    CHECK(message.body.find("127.0.0.1") == std::string::npos);
    CHECK(message.body.find("eepsake") == std::string::npos);
  }
  const Message head = ask("", "HEAD");
  CHECK(head.status() == 502);
  CHECK(head.value("Content-Length") != "0");
}

TEST_CASE("an error after HEAD has no body and the connection goes on", "[wire][errors]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send("HEAD /setName HTTP/1.1\r\nHost: a\r\n\r\nGET /setName HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_response(true).status() == 405);
  CHECK(client.read_response().status() == 405);
}

TEST_CASE("an error has no body after HEAD as soon as the method was read",
          "[wire][errors][http1]") {
  Backend backend;
  Proxy proxy{backend};
  for (const std::string request :
       {"HEAD / HTTP/1.1\r\n\r\n", "HEAD / HTTP/2.0\r\nHost: a\r\n\r\n",
        "HEAD /\x80 HTTP/1.1\r\n\r\n", "HEAD / HTTP/1.1\r\nbroken\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"}) {
    CAPTURE(request);
    Link client = proxy.connect();
    client.send(request);
    const Message response = client.read_response(true);
    CHECK(response.status() >= 400);
    CHECK(response.value("Content-Length") != "0");
    CHECK(client.read_to_end().empty());
  }
  // and that method does not stick to the next request
  Link client = proxy.connect();
  client.send("HEAD /setName HTTP/1.1\r\nHost: a\r\n\r\n(");
  CHECK(client.read_response(true).status() == 405);
  CHECK_FALSE(client.read_response().body.empty());
}

TEST_CASE("an error page for a request with an unread body closes the connection",
          "[wire][errors][http1]") {
  Backend backend;
  Proxy proxy{backend};
  backend.stop();
  for (const char* body : {"Content-Length: 40\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"}) {
    Link client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\n" + std::string{body});
    const Message response = client.read_response();
    CHECK(response.status() == 502);
    CHECK(response.value("Connection") == "close");
    client.send("GET /setName HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client.read_to_end().empty());
  }
}

TEST_CASE("an error reflects nothing of the request", "[wire][errors]") {
  Backend backend;
  Proxy proxy{backend};
  backend.stop();
  const Message page = proxy.ask(
      "GET /evil?evil HTTP/1.1\r\nHost: evil\r\nX-Request-Id: evil\r\nAccept: text/html\r\n"
      "User-Agent: evil\r\nCookie: evil=evil\r\n\r\n");
  CHECK(page.body.find("evil") == std::string::npos);
  CHECK(page.head.find("evil") == std::string::npos);
}

TEST_CASE("no route is 404 and the wrong method is 405 with all that are allowed",
          "[wire][errors]") {
  Backend backend;
  Proxy proxy{R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: "/a/*", methods: [GET], backend: app}
  - {path: "/a/*", methods: [POST, GET], backend: app}
session: {secrets: [{env: SESSION_KEY}]}
)",
              {{"BACKEND", backend.url()}}};
  CHECK(proxy.ask("GET /b HTTP/1.1\r\nHost: a\r\n\r\n").status() == 404);
  const Message wrong = proxy.ask("PUT /a/x HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(wrong.status() == 405);
  CHECK(wrong.value("Allow") == "GET, POST");
}

TEST_CASE("one line of the log says who was at fault and nothing secret", "[wire][errors]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(
      "GET /path HTTP/1.1\r\nHost: a\r\nCookie: session=secret-cookie\r\n"
      "Authorization: secret-auth\r\n\r\n");
  Link link = backend.accept();
  const std::string id = link.read_request().value("X-Request-Id");
  link.send("HTTP/1.1 200 OK\r\nX-Secret: secret-value\r\nbroken\r\n\r\n");
  const Message response = client.read_response();
  CHECK(response.status() == 502);
  CHECK(response.body.find(id) != std::string::npos);
  const std::string log = proxy.log();
  CHECK(log.find("backend fault backend_bad_response") != std::string::npos);
  CHECK(log.find("(request " + id + ")") != std::string::npos);
  CHECK(log.find("secret") == std::string::npos);

  proxy.ask("GET / HTTP/1.1\r\nHost: a\r\nHost: secret-host\r\n\r\n");
  CHECK(proxy.log().find("client fault") != std::string::npos);
  CHECK(proxy.log().find("secret") == std::string::npos);
  proxy.wait_until("the access log has the line",
                   [&] { return proxy.access_log().find("/path") != std::string::npos; });
  CHECK(proxy.access_log().find("secret") == std::string::npos);
}

TEST_CASE("the access log says who was at fault", "[wire][errors][http1]") {
  Backend backend;
  const bool json = GENERATE(false, true);
  Proxy proxy{backend, json ? "log: {format: json}\n" : ""};
  proxy.ask("GET / HTTP/1.1\r\n\r\n");
  const std::string client =
      json ? R"("fault":"bad_host","at_fault":"client")" : " client:bad_host\n";
  proxy.wait_until("the client's fault is told",
                   [&] { return proxy.access_log().find(client) != std::string::npos; });
  backend.stop();
  proxy.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string side = json ? R"("fault":"backend_unreachable","at_fault":"backend")"
                                : " backend:backend_unreachable\n";
  proxy.wait_until("the backend's fault is told",
                   [&] { return proxy.access_log().find(side) != std::string::npos; });
}

TEST_CASE("a response that broke off is told in one line", "[wire][errors][http1]") {
  Backend backend;
  Proxy proxy{backend, "log: {access: false}\n"};
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  Link link = backend.accept();
  const std::string id = link.read_request().value("X-Request-Id");
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  client.read_until("hello");
  link.close();
  CHECK_FALSE(client.read_rest().reset);
  const std::string line =
      "backend fault backend_closed from 127.0.0.1, backend app (request " + id;
  CHECK(proxy.log().find(line) != std::string::npos);
  CHECK(proxy.log().find("hello") == std::string::npos);
  proxy.ask("GET / HTTP/1.1\r\nHost: secret host\r\n\r\n");
  CHECK(proxy.log().find("info: client fault bad_host from 127.0.0.1") != std::string::npos);
  CHECK(proxy.log().find("secret") == std::string::npos);
}

TEST_CASE("the access log escapes what came from the network", "[wire][errors]") {
  Backend backend;
  Proxy proxy{backend, GENERATE("", "log: {format: json}\n")};
  Link client = proxy.connect();
  client.send("GET /a\"b\\c HTTP/1.1\r\nHost: a\r\nUser-Agent: x\" \x80\t\\\r\n\r\n");
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  client.read_response();
  proxy.wait_until("the line is there", [&] { return proxy.access_log().ends_with("\n"); });
  const std::string line = proxy.access_log();
  CHECK(line.find("a\"b") == std::string::npos);
  CHECK(line.find('\x80') == std::string::npos);
  CHECK(line.find('\t') == std::string::npos);
  CHECK(std::count(line.begin(), line.end(), '\n') == 1);
}
