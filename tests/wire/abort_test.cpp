// Clients that go away, and those that only have nothing more to say.

#include "support/catch.hpp"
#include "wire/full_way.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {
constexpr const char* kGet = "GET /path HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
}  // namespace

TEST_CASE("a client's reset cancels the request at the backend", "[wire][abort]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  SECTION("while it waits for the head") {
    client.reset();
  }
  SECTION("while it waits for the body") {
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    client.read_until("\r\n\r\n");
    client.reset();
  }
  link.read_rest();
  proxy.wait_until("the connection is gone", [&] { return proxy.connections() == 0; });
  proxy.wait_until("it is logged as 499", [&] {
    return proxy.access_log().find("\"GET /path HTTP/1.1\" 499") != std::string::npos;
  });
}

TEST_CASE("a client that resets in its own body takes the backend's request with it",
          "[wire][abort]") {
  Backend backend;
  Proxy proxy{backend};
  const bool chunked = GENERATE(false, true);
  const bool reset = GENERATE(false, true);
  CAPTURE(chunked, reset);
  Link client = proxy.connect();
  client.send(post(chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 10\r\n",
                   chunked ? "5\r\nhello\r\n" : "hello"));
  Link link = backend.accept();
  link.read_until("hello");
  if (reset) {
    client.reset();
  } else {
    client.close();  // half a body and no more to come
  }
  const std::string rest = link.read_rest().bytes;
  CHECK(rest.find("0\r\n\r\n") == std::string::npos);
  proxy.wait_until("the connection is gone", [&] { return proxy.connections() == 0; });
}

TEST_CASE("a response that breaks off during an upload ends both", "[wire][abort]") {
  Backend backend;
  Proxy proxy{backend, "limits: {body: 1GiB}\n"};
  const bool stalled = GENERATE(false, true);
  CAPTURE(stalled);
  Link client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  Link link = backend.accept();
  link.read_until("\r\n\r\n");
  if (stalled) {  // the backend takes nothing: the upload waits in a write to it
    proxy.wait_until("the proxy takes no more", [&] { return fills(client); });
  }
  link.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  client.read_until("hello");
  SECTION("by nonsense") {
    link.send("zz\r\n");
  }
  SECTION("by an end") {
    link.shutdown_write();
  }
  SECTION("by a reset") {
    link.reset();
  }
  SECTION("by the client's reset") {
    client.reset();
    // Who only writes learns of it by writing.
    proxy.wait_until("the proxy notices", [&] { return !link.send("1\r\nx\r\n"); });
  }
  if (client) {
    client.read_rest();
    client.close();
  }
  proxy.wait_until("the connection is gone", [&] { return proxy.connections() == 0; });
}

TEST_CASE("a client that resets while the backend is being connected to is let go",
          "[wire][abort]") {
  FullBackend backend;
  Proxy proxy{std::string{kTutorial} + "timeouts: {connect: 1m}\n", {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  client.send(kGet);
  proxy.wait_until("it connects", [&] { return proxy.count(Counter::BackendConnects) == 1; });
  client.reset();
  proxy.wait_until("the connection is gone", [&] { return proxy.connections() == 0; });
}

TEST_CASE("a client that only half-closes after its request gets its answer", "[wire][abort]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kGet);
  client.shutdown_write();
  Link link = backend.accept();
  link.read_request();
  CHECK_FALSE(link.readable(std::chrono::milliseconds{50}));
  link.send(kOk);
  CHECK(client.read_response().body == "ok");
  CHECK(client.read_to_end().empty());
}

TEST_CASE("a client that leaves in the middle of a form ends its own connection alone",
          "[wire][abort][actions]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string half =
      "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      "Content-Length: 8\r\n\r\nname";
  for (const bool reset : {false, true}) {
    Link client = proxy.connect();
    client.send(half);
    if (reset) {
      client.reset();
    } else {
      client.shutdown_write();
      CHECK(client.read_to_end().empty());
    }
  }
  proxy.wait_until("they are gone", [&] { return proxy.connections() == 0; });
  CHECK(proxy
            .ask("POST /setName HTTP/1.1\r\nHost: a\r\n"
                 "Content-Type: application/x-www-form-urlencoded\r\n"
                 "Content-Length: 8\r\n\r\nname=Ada")
            .status() == 303);
}

TEST_CASE("a half-close in the middle of a head ends the connection", "[wire][abort]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHo");
  client.shutdown_write();
  CHECK(client.read_to_end().empty());
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("a truncated chunked upload is never completed for the backend", "[wire][abort]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n"));
  Link link = backend.accept();
  link.read_until("hello");
  client.shutdown_write();
  const std::string rest = link.read_rest().bytes;
  CHECK(rest.find("0\r\n\r\n") == std::string::npos);
  client.read_rest();
}

TEST_CASE("a client that resets while a tunnel of bytes flows to it frees everything",
          "[wire][abort]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
  link.send(std::string(200'000, 'x'));
  client.read_exactly(100'000);
  client.reset();
  const std::string block(100'000, 'x');
  proxy.wait_until("the backend is cut off", [&] { return !link.send(block); });
  proxy.wait_until("the connection is gone", [&] { return proxy.connections() == 0; });
}

TEST_CASE("a backend that resets in the middle of an upload is a bad gateway", "[wire][abort]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(post("Content-Length: 1000000\r\n", "hello"));
  Link link = backend.accept();
  link.read_until("hello");
  link.reset();
  CHECK(client.read_response().status() == 502);
  CHECK(client.read_to_end().empty());
  client.close();
  proxy.wait_until("the connection is gone", [&] { return proxy.connections() == 0; });
}

TEST_CASE("with abandon: end the end of a client's bytes ends the backend's work",
          "[wire][abort]") {
  Backend backend;
  Proxy proxy{R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes: [{path: /ask, backend: app, abandon: end}, {path: "/*", backend: app, abandon: reset}]
session: {secrets: [{env: SESSION_KEY}]}
)",
              {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  SECTION("while it waits for the head") {
    client.send("GET /ask HTTP/1.1\r\nHost: a\r\n\r\n");
    Link link = backend.accept();
    link.read_request();
    client.shutdown_write();
    CHECK(link.read_rest().bytes.empty());
    CHECK(client.read_rest().bytes.empty());
  }
  SECTION("while it waits for the body") {
    client.send("GET /ask HTTP/1.1\r\nHost: a\r\n\r\n");
    Link link = backend.accept();
    link.read_request();
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    client.read_until("\r\n\r\n");
    client.shutdown_write();
    CHECK(link.read_rest().bytes.empty());
  }
  SECTION("also of one that has had another exchange on the connection") {
    client.send(kGet);
    Link link = backend.accept();
    link.read_request();
    link.send(kOk);
    client.read_response();
    client.send("GET /ask HTTP/1.1\r\nHost: a\r\n\r\n");
    link.read_request();
    client.shutdown_write();
    CHECK(link.read_rest().bytes.empty());
  }
  SECTION("and with abandon: reset it does not") {
    client.send("GET /ask HTTP/1.1\r\nHost: a\r\n\r\n");
    Link link = backend.accept();
    link.read_request();
    link.send(kOk);
    client.read_response();
    client.send(kGet);
    link.read_request();
    client.shutdown_write();
    proxy.advance(std::chrono::seconds{5});
    link.send(kOk);
    CHECK(client.read_response().body == "ok");
  }
}
