// WebSockets over HTTP/2 (RFC 8441): an extended CONNECT is a handshake of HTTP/1.1 to the backend,
// and its stream the client's end of the tunnel.

#include "support/catch.hpp"
#include "wire/http2_client.hpp"
#include "wire/websocket.hpp"

using namespace keepsake;
using namespace keepsake::test;
namespace h2 = keepsake::test::http2;
using std::chrono::seconds;

namespace {

constexpr std::uint32_t kCancel = 8;
const std::string kGoingAway{"\x88\x02\x03\xe9", 4};
const std::string kPolicy{"\x88\x02\x03\xf0", 4};
const std::string kMaskedClose{"\x88\x82\0\0\0\0\x03\xe9", 8};

h2::Fields handshake(const h2::Fields& more = {}) {
  h2::Fields fields{{":method", "CONNECT"}, {":protocol", "websocket"},
                    {":scheme", "https"},   {":path", "/ws"},
                    {":authority", "a"},    {"sec-websocket-version", "13"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

struct Tunnel {
  std::uint32_t stream;
  Link backend;
};

Tunnel open_tunnel(Http2Client& client, Backend& backend, const h2::Fields& more = {}) {
  Tunnel tunnel{client.open(), {}};
  client.send(h2::headers(tunnel.stream, handshake(more), false));
  tunnel.backend = backend.accept();
  tunnel.backend.send(switch_for(tunnel.backend.read_request()));
  client.until([&] { return !client.at(tunnel.stream).head.empty(); });
  REQUIRE(client.at(tunnel.stream).status() == "200");
  return tunnel;
}

// What the client has been sent, from the first byte.
void await_body(Http2Client& client, std::uint32_t stream, const std::string& body) {
  client.until([&] { return client.at(stream).body.size() >= body.size(); });
  CHECK(client.at(stream).body == body);
}

}  // namespace

TEST_CASE("an extended CONNECT opens a WebSocket with a backend of HTTP/1.1", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const std::uint32_t stream = client.open();
  client.send(h2::headers(stream,
                          handshake({{"sec-websocket-protocol", "chat"},
                                     {"sec-websocket-key", "bm90IGEga2V5IG9mIG91cnM="},
                                     {"x-session-name", "evil"},
                                     {"origin", "https://a"},
                                     {"cookie", "a=1"}}),
                          false) +
              h2::data(stream, "early", false));
  Link link = backend.accept();
  const Message request = link.read_request();
  CHECK(request.start_line() == "GET /ws HTTP/1.1");
  CHECK(request.value("Host") == "a");
  CHECK(request.value("Connection") == "Upgrade");
  CHECK(request.value("Upgrade") == "websocket");
  CHECK(request.value("Sec-WebSocket-Version") == "13");
  CHECK(request.value("Sec-WebSocket-Protocol") == "chat");
  CHECK(request.value("Cookie") == "a=1");
  CHECK_FALSE(request.has("X-Session-Name"));
  const std::string key = request.value("Sec-WebSocket-Key");
  CHECK(key.size() == 24);
  CHECK(key != "bm90IGEga2V5IG9mIG91cnM=");
  CHECK_FALSE(link.readable(std::chrono::milliseconds{50}));
  link.send(switch_for(request, "Sec-WebSocket-Protocol: chat\r\n") + "first");
  await_body(client, stream, "first");
  const h2::Fields& head = client.at(stream).head;
  CHECK(h2::value_of(head, ":status") == "200");
  CHECK(h2::value_of(head, "sec-websocket-protocol") == "chat");
  for (const char* name : {"sec-websocket-accept", "connection", "upgrade", "set-cookie"}) {
    CHECK(h2::value_of(head, name) == "(none)");
  }
  CHECK(link.read_exactly(5) == "early");
  client.send(h2::data(stream, "ping", false));
  CHECK(link.read_exactly(4) == "ping");
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
}

TEST_CASE("a tunnel over HTTP/2 moves more than its windows", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  Tunnel tunnel = open_tunnel(client, backend);
  const std::string part(16'000, 'x');
  for (int i = 0; i < 10; ++i) {
    client.send(h2::data(tunnel.stream, part, false));
    CHECK(tunnel.backend.read_exactly(part.size()) == part);
    if (i % 3 == 2) {
      client.until([&] { return client.at(tunnel.stream).credit >= part.size(); });
      client.at(tunnel.stream).credit = 0;
    }
  }
  std::string all;
  for (int i = 0; i < 10; ++i) {
    all += part;
    tunnel.backend.send(part);
  }
  await_body(client, tunnel.stream, all);
}

TEST_CASE("each side of a tunnel over HTTP/2 ends by itself", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  Tunnel tunnel = open_tunnel(client, backend);
  SECTION("the client first") {
    client.send(h2::data(tunnel.stream, "last", true));
    CHECK(tunnel.backend.read_rest().bytes == "last");
    tunnel.backend.send("more");
    tunnel.backend.close();
    CHECK(client.finish(tunnel.stream).body == "more");
  }
  SECTION("the backend first") {
    tunnel.backend.send("last");
    tunnel.backend.shutdown_write();
    CHECK(client.finish(tunnel.stream).body == "last");
    client.send(h2::data(tunnel.stream, "more", true));
    CHECK(tunnel.backend.read_rest().bytes == "more");
  }
  CHECK_FALSE(client.at(tunnel.stream).reset);
  proxy.wait_until("the tunnel is gone", [&] { return proxy.count(Counter::TunnelsOpen) == 0; });
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
}

TEST_CASE("a reset on one side of a tunnel is one on the other", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  Tunnel tunnel = open_tunnel(client, backend);
  SECTION("the client's") {
    client.send(h2::rst(tunnel.stream, kCancel));
    tunnel.backend.read_rest();
  }
  SECTION("the backend's") {
    tunnel.backend.reset();
    CHECK(client.finish(tunnel.stream).reset);
    CHECK(client.at(tunnel.stream).code == kCancel);
  }
  SECTION("the end of the client's connection") {
    client.link().close();
    tunnel.backend.read_rest();
  }
  proxy.wait_until("the tunnel is gone", [&] { return proxy.count(Counter::TunnelsOpen) == 0; });
}

TEST_CASE("a backend that does not switch answers an extended CONNECT like any request",
          "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const std::uint32_t stream = client.open();
  client.send(h2::headers(stream, handshake(), false));
  Link link = backend.accept();
  const Message request = link.read_request();
  SECTION("with a refusal") {
    link.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    CHECK(client.finish(stream).status() == "403");
    CHECK(client.at(stream).body == "no");
  }
  SECTION("with an answer to another key") {
    std::string other = switch_for(request);
    other.replace(other.find("Accept: ") + 8, 4, "AAAA");
    link.send(other);
    CHECK(client.finish(stream).status() == "502");
  }
  SECTION("with a 101 that answers no key") {
    link.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
    CHECK(client.finish(stream).status() == "502");
  }
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
}

TEST_CASE("an extended CONNECT is judged like the handshake of HTTP/1.1", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const auto status = [&](const h2::Fields& fields) {
    const std::uint32_t stream = client.open();
    client.send(h2::headers(stream, fields, false));
    client.until([&] { return client.at(stream).reset || !client.at(stream).head.empty(); });
    return client.at(stream).head.empty() ? "reset" : client.at(stream).status();
  };
  CHECK(status(handshake({{"sec-fetch-site", "cross-site"}})) == "403");
  CHECK(status(handshake({{"origin", "https://elsewhere.example"}})) == "403");
  h2::Fields other = handshake();
  other[1].second = "connect-udp";
  CHECK(status(other) == "501");
  for (std::size_t missing : {2U, 3U, 4U}) {  // :scheme, :path, :authority
    h2::Fields fields = handshake();
    fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(missing));
    CHECK((status(fields) == "reset" || status(fields) == "400"));
  }
  h2::Fields get = handshake();
  get[0].second = "GET";
  CHECK((status(get) == "reset" || status(get) == "400"));
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("a drain closes WebSockets over HTTP/2 in order", "[wire][http2][drain]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  Tunnel tunnel = open_tunnel(client, backend);
  proxy.drain();
  await_body(client, tunnel.stream, kGoingAway);
  CHECK(client.went_away());
  CHECK(tunnel.backend.read_exactly(8).substr(0, 2) == "\x88\x82");
  client.send(h2::data(tunnel.stream, kMaskedClose, false));
  tunnel.backend.send(kGoingAway);
  CHECK(client.finish(tunnel.stream).ended);
  proxy.advance(seconds{2});
  client.link().read_rest();
  client.link().close();
  CHECK(proxy.ended());
}

TEST_CASE("a WebSocket over HTTP/2 whose sides do not answer ends five seconds after its Close",
          "[wire][http2][drain]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  Tunnel tunnel = open_tunnel(client, backend);
  proxy.drain();
  await_body(client, tunnel.stream, kGoingAway);
  proxy.advance_until(seconds{1}, [&] {
    client.until([&] { return client.at(tunnel.stream).reset || !client.link().readable(); });
    return client.at(tunnel.stream).reset;
  });
  CHECK(client.at(tunnel.stream).code == kCancel);
  client.link().read_rest();
  client.link().close();
  CHECK(proxy.ended());
}

TEST_CASE("a WebSocket over HTTP/2 ends with its session", "[wire][http2]") {
  Backend backend;
  Proxy proxy{R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /setName, set: {name: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  store: memory
  secrets: [{env: SESSION_KEY}]
  headers: {X-Session-Name: name}
)",
              {{"BACKEND", backend.url()}}};
  const auto post = [&](const std::string& path, const std::string& cookie) {
    return proxy.ask("POST " + path + " HTTP/1.1\r\nHost: a\r\nCookie: session=" + cookie +
                     "\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                     "Content-Length: 8\r\n\r\nname=Ada");
  };
  const std::string cookie = post("/setName", "").set_cookie();
  Http2Client client{proxy};
  Tunnel tunnel = open_tunnel(client, backend, {{"cookie", "session=" + cookie}});
  CHECK(post("/reset", cookie).status() == 303);
  proxy.advance_until(seconds{1}, [&] {
    client.until(
        [&] { return !client.at(tunnel.stream).body.empty() || !client.link().readable(); });
    return !client.at(tunnel.stream).body.empty();
  });
  await_body(client, tunnel.stream, kPolicy);
}
