// WebSockets to a backend that speaks HTTP/2 (RFC 8441): the handshake of a client of either
// protocol goes out as an extended CONNECT.

#include "support/catch.hpp"
#include "wire/http2_backend_world.hpp"
#include "wire/http2_client.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;
namespace h2 = keepsake::test::http2;

namespace {

const Http2Server::Settings kTakesTunnels{{8, 1}};  // SETTINGS_ENABLE_CONNECT_PROTOCOL
const std::string kFrame{"\x81\x82\0\0\0\0hi", 8};
const std::string kAnswer{"\x81\x02ho", 4};
const std::string kGoingAway{"\x88\x02\x03\xe9", 4};

// The key and the answer to it that RFC 6455 1.3 shows.
const std::string kHandshake = get("/ws?a=b",
                                   "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat\r\n"
                                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
const char* const kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

}  // namespace

TEST_CASE("a WebSocket of HTTP/1.1 reaches a backend of HTTP/2 as an extended CONNECT",
          "[wire][http2_backend][http1]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(kHandshake);
  Http2Server server = world.accept(kTakesTunnels);
  const std::uint32_t stream = server.accept();
  const Http2Server::Request& request = server.at(stream);
  CHECK(request.value(":method") == "CONNECT");
  CHECK(request.value(":protocol") == "websocket");
  CHECK(request.value(":scheme") == "http");
  CHECK(request.path() == "/ws?a=b");
  CHECK(request.value("sec-websocket-key") == "(none)");
  CHECK(request.value("sec-websocket-version") == "13");
  CHECK(request.value("sec-websocket-protocol") == "chat");
  CHECK(request.value("upgrade") == "(none)");
  CHECK_FALSE(request.ended);
  server.send(h2::headers(stream, {{":status", "200"}, {"sec-websocket-protocol", "chat"}}, false));
  const Message head = client.read_head();
  CHECK(head.status() == 101);
  CHECK(head.value("Sec-WebSocket-Accept") == kAccept);
  CHECK(head.value("Sec-WebSocket-Protocol") == "chat");
  CHECK(head.value("Upgrade") == "websocket");
  client.send(kFrame);
  server.until([&] { return server.at(stream).body == kFrame; });
  server.send(h2::data(stream, kAnswer, false));
  CHECK(client.read_exactly(kAnswer.size()) == kAnswer);
  SECTION("the client ends") {
    client.shutdown_write();
    CHECK(server.finish(stream).ended);
    server.send(h2::data(stream, ""));
    CHECK(client.read_to_end().empty());
  }
  SECTION("the server resets") {
    server.send(h2::rst(stream, 8));
    client.read_rest();
  }
  SECTION("the client resets") {
    client.reset();
    server.until([&] { return server.at(stream).reset || server.at(stream).ended; });
  }
  SECTION("the proxy drains") {
    world.proxy.drain();
    CHECK(client.read_exactly(kGoingAway.size()) == kGoingAway);
    server.until([&] { return server.at(stream).body.size() > kFrame.size(); });
  }
}

TEST_CASE("a WebSocket goes over HTTP/2 on both sides", "[wire][http2_backend][http1]") {
  Http2World world;
  Http2Client client{world.proxy};
  const std::uint32_t stream = client.open();
  client.send(h2::headers(stream,
                          {{":method", "CONNECT"},
                           {":protocol", "websocket"},
                           {":scheme", "http"},
                           {":path", "/ws"},
                           {":authority", "a"},
                           {"sec-websocket-version", "13"}},
                          false));
  Http2Server server = world.accept(kTakesTunnels);
  const std::uint32_t far = server.accept();
  CHECK(server.at(far).value(":method") == "CONNECT");
  server.send(h2::headers(far, {{":status", "200"}}, false));
  client.until([&] { return !client.at(stream).head.empty(); });
  CHECK(client.at(stream).status() == "200");
  CHECK(h2::value_of(client.at(stream).head, "sec-websocket-accept") == "(none)");
  client.send(h2::data(stream, kFrame, false));
  server.until([&] { return server.at(far).body == kFrame; });
  server.send(h2::data(far, kAnswer, false));
  client.until([&] { return client.at(stream).body == kAnswer; });
  server.send(h2::data(far, ""));
  CHECK(client.finish(stream).ended);
}

TEST_CASE("a handshake that the backend refuses is an answer like any other",
          "[wire][http2_backend][http1]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(kHandshake);
  Http2Server server = world.accept(kTakesTunnels);
  const std::uint32_t stream = server.accept();
  server.send(h2::headers(stream, {{":status", "403"}, {"content-length", "2"}}, false) +
              h2::data(stream, "no"));
  const Message response = client.read_response();
  CHECK(response.status() == 403);
  CHECK(response.body == "no");
}

TEST_CASE("a backend that does not take WebSockets over HTTP/2 gets none",
          "[wire][http2_backend][http1]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(kHandshake);
  Http2Server server = world.accept();
  CHECK(client.read_response().status() == 502);
  CHECK(world.proxy.log().find("RFC 8441") != std::string::npos);
  Link next = world.proxy.connect();
  next.send(get("/"));
  const std::uint32_t stream = server.accept();
  CHECK(server.at(stream).value(":method") == "GET");
  server.answer(stream, "ok");
  CHECK(next.read_response().body == "ok");
}
