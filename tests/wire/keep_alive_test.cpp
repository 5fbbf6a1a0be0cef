// Connections that carry more than one exchange, on both sides.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {
constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
}  // namespace

TEST_CASE("one client connection and one backend connection carry many exchanges",
          "[wire][keep_alive]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  for (int i = 0; i < 20; ++i) {
    CHECK(link.read_request().start_line() == "GET / HTTP/1.1");
    link.send(kOk);
    CHECK(client.read_response().body == "ok");
    client.send(kGet);
  }
  CHECK_FALSE(backend.has_connection());
  CHECK(proxy.count(Counter::BackendConnects) == 1);
}

TEST_CASE("a connection that has idled long enough to give up its memory serves on",
          "[wire][keep_alive]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  for (int i = 0; i < 3; ++i) {
    link.read_request();
    link.send(kOk);
    CHECK(client.read_response().body == "ok");
    for (int sweep = 0; sweep < 4; ++sweep) {
      proxy.advance(std::chrono::seconds{1});
    }
    client.send(kGet);
  }
}

TEST_CASE("a client's Connection: close is obeyed", "[wire][keep_alive]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  Link link = backend.accept();
  CHECK_FALSE(link.read_request().has("Connection"));
  link.send(kOk);
  const Message response = client.read_response();
  CHECK(response.value("Connection") == "close");
  CHECK(client.read_to_end().empty());
  // the backend's connection has nothing to do with it
  Link second = proxy.connect();
  second.send(kGet);
  CHECK(link.read_request().start_line() == "GET / HTTP/1.1");
}

TEST_CASE("HTTP/1.0 closes unless it asks for keep-alive", "[wire][keep_alive]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  Link link = backend.accept();
  CHECK(link.read_request().start_line() == "GET / HTTP/1.1");
  link.send(kOk);
  CHECK(client.read_response().value("Connection") == "keep-alive");
  client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  link.read_request();
  link.send(kOk);
  CHECK(client.read_response().value("Connection") == "close");
  CHECK(client.read_to_end().empty());
}

TEST_CASE("pipelined requests are answered in order, one at the backend at a time",
          "[wire][keep_alive][pipelining]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
      "abcGET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
  Link link = backend.accept();
  for (const std::string n : {"1", "2", "3"}) {
    const Message request = link.read_request();
    CHECK(request.start_line().find("/" + n) != std::string::npos);
    CHECK_FALSE(link.readable(std::chrono::milliseconds{20}));
    CHECK_FALSE(backend.has_connection());
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + n);
    CHECK(client.read_response().body == n);
  }
}

TEST_CASE("a bad pipelined request is refused after the good one before it was answered",
          "[wire][keep_alive][pipelining]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(std::string{kGet} + "BAD REQUEST\r\n\r\n" + kGet);
  Link link = backend.accept();
  link.read_request();
  link.send(kOk);
  CHECK(client.read_response().body == "ok");
  CHECK(client.read_response().status() == 400);
  CHECK(client.read_to_end().empty());
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("a flood of pipelined requests is answered whole", "[wire][keep_alive][pipelining]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  std::string flood;
  for (int i = 0; i < 500; ++i) {
    flood += "GET /missing HTTP/1.1\r\nHost: a\r\nX: " + std::string(100, 'x') + "\r\n\r\n";
  }
  client.send(flood);
  Link link = backend.accept();
  for (int i = 0; i < 500; ++i) {
    link.read_request();
    link.send(kOk);
    REQUIRE(client.read_response().body == "ok");
  }
}

TEST_CASE("a backend's Connection: close and HTTP/1.0 end its connection", "[wire][keep_alive]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  for (const char* answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x\r\nconnection: CLOSE\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"}) {
    client.send(kGet);
    Link link = backend.accept();
    link.read_request();
    link.send(answer);
    const Message response = client.read_response();
    CHECK(response.start_line() == "HTTP/1.1 200 OK");
    CHECK(response.body == "ok");
    CHECK_FALSE(response.has("Connection"));
    CHECK(link.read_to_end().empty());
  }
}

TEST_CASE("an HTTP/1.0 backend that says keep-alive keeps its connection", "[wire][keep_alive]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  for (int i = 0; i < 3; ++i) {
    link.read_request();
    link.send("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok");
    CHECK(client.read_response().body == "ok");
    client.send(kGet);
  }
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("the last request of a connection is answered with Connection: close",
          "[wire][keep_alive][limits]") {
  Backend backend;
  Proxy proxy{backend, "limits: {requests_per_connection: 3}\n"};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  for (int i = 1; i <= 3; ++i) {
    link.read_request();
    link.send(kOk);
    const Message response = client.read_response();
    CHECK(response.has("Connection") == (i == 3));
    if (i < 3) {
      client.send(kGet);
    }
  }
  CHECK(client.read_to_end().empty());
}

TEST_CASE("bytes on an idle backend connection are never the answer to the next request",
          "[wire][keep_alive]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  SECTION("behind the response in one segment") {
    link.send(std::string{kOk} + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    CHECK(client.read_response().body == "ok");
  }
  SECTION("after the response") {
    link.send(kOk);
    CHECK(client.read_response().body == "ok");
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    CHECK(link.read_rest().bytes.empty());
  }
  SECTION("a mere end") {
    link.send(kOk);
    CHECK(client.read_response().body == "ok");
    link.shutdown_write();
    CHECK(link.read_rest().bytes.empty());
  }
  client.send(kGet);
  Link fresh = backend.accept();
  fresh.read_request();
  fresh.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
  CHECK(client.read_response().body == "good");
}

TEST_CASE("a backend that says how long it keeps a connection is not asked too late",
          "[wire][keep_alive]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok");
  CHECK(client.read_response().values("Keep-Alive").empty());
  SECTION("before that time it serves on") {
    proxy.advance(std::chrono::seconds{3});
    client.send(kGet);
    link.read_request();
    link.send(kOk);
    CHECK(client.read_response().body == "ok");
    // what was said once holds on
    proxy.advance(std::chrono::seconds{5});
    CHECK(link.read_to_end().empty());
  }
  SECTION("shortly before it, the connection is closed") {
    proxy.advance(std::chrono::milliseconds{4500});
    client.send(kGet);
    Link fresh = backend.accept();
    fresh.read_request();
    fresh.send(kOk);
    CHECK(client.read_response().body == "ok");
    CHECK(link.read_to_end().empty());
  }
}

TEST_CASE("a backend that says how many requests it takes gets no more on that connection",
          "[wire][keep_alive]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=60, max=2\r\nContent-Length: 2\r\n\r\nok");
  CHECK(client.read_response().body == "ok");
  for (int i = 0; i < 2; ++i) {
    client.send(kGet);
    link.read_request();
    link.send(kOk);
    CHECK(client.read_response().body == "ok");
  }
  CHECK(link.read_to_end().empty());
  client.send(kGet);
  Link fresh = backend.accept();
  fresh.read_request();
  const char* const last = GENERATE("timeout=60, max=0", "timeout=0");
  fresh.send(std::string{"HTTP/1.1 200 OK\r\nKeep-Alive: "} + last +
             "\r\nContent-Length: 2\r\n\r\nok");
  CHECK(client.read_response().body == "ok");
  CHECK(fresh.read_to_end().empty());
}
