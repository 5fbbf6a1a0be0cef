// When a request is sent a second time and when never (RFC 9110 9.2.2).

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string request(const std::string& method) {
  return method + " / HTTP/1.1\r\nHost: a\r\n" +
         (method == "POST" || method == "PUT" ? "Content-Length: 5\r\n\r\nhello" : "\r\n");
}

// Leaves one idle backend connection in the pool and returns its backend's end.
Link warm(Link& client, Backend& backend) {
  client.send(request("GET"));
  Link link = backend.accept();
  link.read_request();
  link.send(kOk);
  client.read_response();
  return link;
}

const char* const kTwo = R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${ONE}", "${TWO}"], ejection: {failures: 2, for: 10s}}}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
)";

}  // namespace

TEST_CASE("a request on a reused connection that breaks unanswered is repeated on a fresh one",
          "[wire][retry]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string method = GENERATE("GET", "HEAD", "OPTIONS", "PUT", "DELETE");
  const bool reset = GENERATE(false, true);
  CAPTURE(method, reset);
  Link client = proxy.connect();
  Link link = warm(client, backend);
  client.send(request(method));
  CHECK(link.read_request().start_line() == method + " / HTTP/1.1");
  if (reset) {
    link.reset();
  } else {
    link.close();
  }
  Link fresh = backend.accept();
  const Message again = fresh.read_request();
  CHECK(again.start_line() == method + " / HTTP/1.1");
  CHECK(again.body == (method == "PUT" ? "hello" : ""));
  fresh.send(kOk);
  CHECK(client.read_response(method == "HEAD").status() == 200);
  CHECK(proxy.count(Counter::BackendRetries) == 1);
}

TEST_CASE("a POST is never repeated once it was sent", "[wire][retry]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string method = GENERATE("POST", "PATCH", "PURGE");
  Link client = proxy.connect();
  Link link = warm(client, backend);
  client.send(request(method));
  link.read_request();
  link.close();
  CHECK(client.read_response().status() == 502);
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("a POST after the backend closed its idle connection goes to a fresh one",
          "[wire][retry]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  warm(client, backend).close();
  client.send(request("POST"));
  Link fresh = backend.accept();
  CHECK(fresh.read_request().body == "hello");
  fresh.send(kOk);
  CHECK(client.read_response().status() == 200);
}

TEST_CASE("nothing is repeated on a fresh connection or after a byte of an answer",
          "[wire][retry]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  SECTION("fresh") {
    client.send(request("GET"));
    Link link = backend.accept();
    link.read_request();
    link.close();
  }
  SECTION("answered") {
    Link link = warm(client, backend);
    client.send(request("GET"));
    link.read_request();
    link.send("H");
    link.close();
  }
  SECTION("answered by an interim response") {
    Link link = warm(client, backend);
    client.send(request("GET"));
    link.read_request();
    link.send("HTTP/1.1 102 Processing\r\n\r\n");
    CHECK(client.read_response().status() == 102);
    link.close();
  }
  CHECK(client.read_response().status() == 502);
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("a body that was streamed away is not sent again", "[wire][retry][http1]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  Link link = warm(client, backend);
  const bool chunked = GENERATE(false, true);
  CAPTURE(chunked);
  client.send(chunked ? "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"
                      : "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
  link.read_until("he");
  client.send(chunked ? "llo\r\n0\r\n\r\n" : "llo");
  link.read_until(chunked ? "0\r\n\r\n" : "llo");
  link.close();
  CHECK(client.read_response().status() == 502);
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("any method goes to another server when the first cannot be reached", "[wire][retry]") {
  Backend one, two;
  Proxy proxy{kTwo, {{"ONE", one.url()}, {"TWO", two.url()}}};
  one.stop();
  for (int i = 0; i < 6; ++i) {
    Link client = proxy.connect();
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    Link link = two.accept();
    CHECK(link.read_request().body == "hello");
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    CHECK(client.read_response().body == "ok");
  }
  // after two failures in a row it is left alone
  CHECK(proxy.count(Counter::BackendConnectFailures) == 2);
}

TEST_CASE("a backend that cannot be reached is a bad gateway", "[wire][retry]") {
  Backend backend;
  Proxy proxy{backend};
  backend.stop();
  CHECK(proxy.ask(request("GET")).status() == 502);
  CHECK(proxy.ask(request("POST")).status() == 502);
}

TEST_CASE("no backend connection is made that attempts do not allow", "[wire][retry]") {
  Backend backend;
  Proxy proxy{
      "listen: [{address: \"127.0.0.1:0\"}]\n"
      "backends: {app: {servers: [\"${BACKEND}\"], retry: {attempts: 1}}}\n"
      "routes: [{path: \"/*\", backend: app}]\n"
      "session: {secrets: [{env: SESSION_KEY}]}\n",
      {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  Link link = warm(client, backend);
  client.send(request("GET"));
  link.read_request();
  link.close();
  CHECK(client.read_response().status() == 502);
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("an idempotent request that a fresh connection closes unanswered goes to another server",
          "[wire][retry]") {
  Backend one, two;
  Proxy proxy{kTwo, {{"ONE", one.url()}, {"TWO", two.url()}}};
  const std::string method = GENERATE("GET", "HEAD", "OPTIONS", "PUT", "DELETE");
  const bool reset = GENERATE(false, true);
  CAPTURE(method, reset);
  Link client = proxy.connect();
  client.send(request(method));
  Link link = one.accept();
  link.read_request();
  if (reset) {
    link.reset();
  } else {
    link.close();
  }
  Link other = two.accept();
  CHECK(other.read_request().body == (method == "PUT" ? "hello" : ""));
  SECTION("which answers") {
    other.send(kOk);
    CHECK(client.read_response(method == "HEAD").status() == 200);
    CHECK(proxy.count(Counter::BackendRetries) == 1);
  }
  SECTION("and to no third one") {
    other.close();
    CHECK(client.read_response(method == "HEAD").status() == 502);
    CHECK_FALSE(one.has_connection());
  }
}

TEST_CASE("a fresh connection that closes is no reason to send again what may not be",
          "[wire][retry]") {
  Backend one, two;
  Proxy proxy{kTwo, {{"ONE", one.url()}, {"TWO", two.url()}}};
  Link client = proxy.connect();
  SECTION("a method that is not idempotent") {
    client.send(request("POST"));
    Link link = one.accept();
    link.read_request();
    link.close();
  }
  SECTION("a body that has been streamed away") {
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    Link link = one.accept();
    link.read_until("he");
    client.send("llo");
    link.read_until("llo");
    link.close();
  }
  SECTION("a byte of an answer has come") {
    client.send(request("GET"));
    Link link = one.accept();
    link.read_request();
    link.send("H");
    link.close();
  }
  CHECK(client.read_response().status() == 502);
  CHECK_FALSE(two.has_connection());
  CHECK(proxy.count(Counter::BackendRetries) == 0);
}
