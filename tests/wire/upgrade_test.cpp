// Switching protocols: WebSocket only, nothing before the 101, a tunnel behind it.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;
using std::chrono::seconds;

namespace {

constexpr const char* kUpgrade =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
constexpr const char* kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

struct Tunnel {
  Link client;
  Link backend;
};

Tunnel open_tunnel(const Proxy& proxy, Backend& backend) {
  Tunnel tunnel;
  tunnel.client = proxy.connect();
  tunnel.client.send(kUpgrade);
  tunnel.backend = backend.accept();
  tunnel.backend.read_request();
  tunnel.backend.send(kSwitch);
  REQUIRE(tunnel.client.read_response().status() == 101);
  return tunnel;
}

std::string insert_line(std::string request, const std::string& line) {
  return request.insert(request.find("Host"), line);
}

}  // namespace

TEST_CASE("a WebSocket handshake opens a tunnel", "[wire][upgrade]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kUpgrade);
  Link link = backend.accept();
  const Message request = link.read_request();
  CHECK(request.value("Connection") == "Upgrade");
  CHECK(request.value("Upgrade") == "websocket");
  CHECK(request.value("Sec-WebSocket-Key") == "dGhlIHNhbXBsZSBub25jZQ==");
  link.send(kSwitch);
  const Message response = client.read_response();
  CHECK(response.start_line() == "HTTP/1.1 101 Switching Protocols");
  CHECK(response.value("Connection") == "Upgrade");
  CHECK(response.value("Upgrade") == "websocket");
  CHECK(response.value("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK_FALSE(response.has("Set-Cookie"));
  client.send("ping");
  CHECK(link.read_exactly(4) == "ping");
  link.send(std::string("p\0ng", 4));
  CHECK(client.read_exactly(4) == std::string("p\0ng", 4));
}

TEST_CASE("bytes behind the handshake wait for the 101", "[wire][upgrade]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(std::string{kUpgrade} + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  Link link = backend.accept();
  link.read_request();
  CHECK_FALSE(link.readable(std::chrono::milliseconds{50}));
  SECTION("and then follow") {
    link.send(kSwitch);
    link.read_until("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  SECTION("and go nowhere without one") {
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
    const Message response = client.read_response();
    CHECK(response.body == "no");
    CHECK(response.value("Connection") == "close");
    CHECK(client.read_to_end().empty());
    CHECK(link.read_rest().bytes.empty());
    CHECK_FALSE(backend.has_connection());
  }
}

TEST_CASE("a backend connection that was asked to upgrade is never used again", "[wire][upgrade]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kUpgrade);
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.read_response().status() == 426);
  CHECK(link.read_rest().bytes.empty());
}

TEST_CASE("a 101 that nobody asked for is a bad gateway", "[wire][upgrade]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  SECTION("no upgrade was asked for") {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    Link link = backend.accept();
    link.read_request();
    link.send(kSwitch);
    CHECK(client.read_response().status() == 502);
    link.read_rest();
  }
  SECTION("another protocol") {
    client.send(kUpgrade);
    Link link = backend.accept();
    link.read_request();
    link.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
    CHECK(client.read_response().status() == 502);
    link.read_rest();
  }
  SECTION("no protocol") {
    client.send(kUpgrade);
    Link link = backend.accept();
    link.read_request();
    link.send("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    CHECK(client.read_response().status() == 502);
    link.read_rest();
  }
}

TEST_CASE("other upgrades are stripped and the request served as it is", "[wire][upgrade]") {
  Backend backend;
  Proxy proxy{backend};
  for (const char* lines :
       {"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
        "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n", "Upgrade: websocket\r\n",
        "Connection: Upgrade\r\nUpgrade: h2c, websocket/13\r\nSec-WebSocket-Key: x\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"}) {
    CAPTURE(lines);
    Link client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n" + std::string{lines} + "\r\n");
    Link link = backend.accept();
    const Message request = link.read_request();
    CHECK_FALSE(request.has("Connection"));
    CHECK_FALSE(request.has("Upgrade"));
    CHECK_FALSE(request.has("HTTP2-Settings"));
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    CHECK(client.read_response().status() == 200);
  }
}

TEST_CASE("WebSocket is chosen among the protocols that a client offers", "[wire][upgrade]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string offered = GENERATE("Upgrade: websocket, h2c\r\n", "Upgrade: h2c,WebSocket\r\n",
                                       "Upgrade: h2c\r\nUpgrade: websocket\r\n");
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n" + offered +
              "HTTP2-Settings: AAMAAABk\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  Link link = backend.accept();
  const Message request = link.read_request();
  CHECK(request.value("Upgrade") == "websocket");
  CHECK(request.value("Connection") == "Upgrade");
  CHECK_FALSE(request.has("HTTP2-Settings"));
  SECTION("the backend agrees") {
    link.send(kSwitch);
    CHECK(client.read_response().status() == 101);
    client.send("ping");
    CHECK(link.read_exactly(4) == "ping");
  }
  SECTION("the backend takes one that it was not offered") {
    link.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
    CHECK(client.read_response().status() == 502);
    link.read_rest();
  }
}

TEST_CASE("an upgrade with a body is refused", "[wire][upgrade]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string counted = insert_line(kUpgrade, "Content-Length: 5\r\n") + "hello";
  const std::string chunked = insert_line(kUpgrade, "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n";
  for (const std::string& request :
       {counted, chunked, "POST" + counted.substr(3),
        std::string{
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c, websocket\r\n"
            "Content-Length: 5\r\n\r\nhello"}}) {
    CAPTURE(request);
    CHECK(refused(proxy, backend, request).status() == 400);
  }
}

TEST_CASE("a length of 0 is no body: the upgrade goes on", "[wire][upgrade]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(insert_line(kUpgrade, "Content-Length: 0\r\n"));
  Link link = backend.accept();
  const Message request = link.read_head();
  CHECK(request.value("Upgrade") == "websocket");
  CHECK_FALSE(request.has("Content-Length"));
  link.send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
  client.send("frame");
  CHECK(link.read_exactly(5) == "frame");
}

TEST_CASE("a cross-site WebSocket on a session route is refused", "[wire][upgrade]") {
  Backend backend;
  Proxy proxy{backend};
  CHECK(proxy.ask(insert_line(kUpgrade, "Origin: http://b.example\r\n")).status() == 403);
  CHECK(proxy.ask(insert_line(kUpgrade, "Sec-Fetch-Site: cross-site\r\n")).status() == 403);
  Link client = proxy.connect();
  std::string excluded = insert_line(kUpgrade, "Origin: http://b.example\r\n");
  client.send(excluded.replace(4, 3, "/static/ws"));
  CHECK(backend.accept().read_request().value("Upgrade") == "websocket");
}

TEST_CASE("an upgrade passes the same removal and injection as every request",
          "[wire][upgrade][spoofing]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string cookie =
      proxy
          .ask(
              "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: "
              "application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nname=Ada")
          .set_cookie();
  Link client = proxy.connect();
  client.send(insert_line(kUpgrade,
                          "X-Session-Name: evil\r\nx_session_name: evil\r\nCookie: "
                          "session=" +
                              cookie + "\r\n"));
  const Message request = backend.accept().read_request();
  CHECK(request.value("X-Session-Name") == "Ada");
  CHECK_FALSE(request.has("x_session_name"));
  CHECK_FALSE(request.has("Cookie"));
}

TEST_CASE("a half-close passes through a tunnel and the other way stays open", "[wire][upgrade]") {
  Backend backend;
  Proxy proxy{backend};
  Tunnel tunnel = open_tunnel(proxy, backend);
  SECTION("the client's") {
    tunnel.client.send("last");
    tunnel.client.shutdown_write();
    CHECK(tunnel.backend.read_to_end() == "last");
    tunnel.backend.send("still here");
    CHECK(tunnel.client.read_exactly(10) == "still here");
    tunnel.backend.close();
    CHECK(tunnel.client.read_to_end().empty());
  }
  SECTION("the backend's") {
    tunnel.backend.send("last");
    tunnel.backend.shutdown_write();
    CHECK(tunnel.client.read_to_end() == "last");
    tunnel.client.send("still here");
    CHECK(tunnel.backend.read_exactly(10) == "still here");
    tunnel.client.close();
    CHECK(tunnel.backend.read_to_end().empty());
  }
  proxy.wait_until("the tunnel is gone", [&] { return proxy.connections() == 0; });
}

TEST_CASE("an error on one side of a tunnel ends the other", "[wire][upgrade]") {
  Backend backend;
  Proxy proxy{backend};
  Tunnel tunnel = open_tunnel(proxy, backend);
  SECTION("the client's") {
    tunnel.client.reset();
    tunnel.backend.read_rest();
  }
  SECTION("the backend's") {
    tunnel.backend.reset();
    tunnel.client.read_rest();
  }
  proxy.wait_until("the tunnel is gone", [&] { return proxy.connections() == 0; });
  CHECK(proxy.count(Counter::TunnelsOpen) == 0);
}

TEST_CASE("a silent tunnel ends at the idle timeout and a talking one does not",
          "[wire][upgrade][timeouts]") {
  Backend backend;
  Proxy proxy{backend, "timeouts: {idle: 60s, body: 1h, response: 1h, write: 1h, header: 1h}\n"};
  Tunnel tunnel = open_tunnel(proxy, backend);
  // One side alone talks, for longer than the timeout.
  for (int i = 0; i < 5; ++i) {
    proxy.advance(seconds{30});
    tunnel.backend.send("x");
    REQUIRE(tunnel.client.read_exactly(1) == "x");
  }
  const auto silent = proxy.advance_until(seconds{10}, [&] { return tunnel.client.readable(); });
  CHECK(silent >= seconds{60});
  tunnel.client.read_rest();
  tunnel.backend.read_rest();
}

TEST_CASE("no body limit and no body timeout applies to a tunnel", "[wire][upgrade]") {
  Backend backend;
  Proxy proxy{backend, "limits: {body: 10B}\ntimeouts: {body: 1s, response: 1s, idle: 1h}\n"};
  Tunnel tunnel = open_tunnel(proxy, backend);
  proxy.advance(seconds{30});
  tunnel.client.send(std::string(5000, 'x'));
  CHECK(tunnel.backend.read_exactly(5000) == std::string(5000, 'x'));
}

TEST_CASE("a drain waits for the end of a frame and a cut does not", "[wire][upgrade][drain]") {
  Backend backend;
  Proxy proxy{backend};
  Tunnel tunnel = open_tunnel(proxy, backend);
  const std::string head{"\x82\xfe\x10\0mask", 8};  // 4096 bytes will follow
  tunnel.client.send(head);
  CHECK(tunnel.backend.read_exactly(head.size()) == head);
  proxy.drain();
  tunnel.client.send("ping");
  CHECK(tunnel.backend.read_exactly(4) == "ping");
  CHECK(proxy.connections() == 1);
  proxy.cut();
  CHECK(proxy.ended());
  tunnel.client.read_rest();
  tunnel.backend.read_rest();
}
