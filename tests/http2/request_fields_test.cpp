#include "http2/request_fields.hpp"

#include "http2/response_text.hpp"
#include "support/catch.hpp"
#include "support/http2.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

http2::Fields read(std::string text, bool tunnel) {
  RequestFields fields;
  REQUIRE(fields.read_head(text.data(), text.size(), false, tunnel));
  http2::Fields list;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const nghttp2_nv& field = fields.data()[i];
    list.emplace_back(std::string{reinterpret_cast<const char*>(field.name), field.namelen},
                      std::string{reinterpret_cast<const char*>(field.value), field.valuelen});
  }
  return list;
}

const std::string kHandshake =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n";

}  // namespace

TEST_CASE("the handshake of a WebSocket becomes an extended CONNECT", "[http2][backend]") {
  CHECK(read(kHandshake, true) == http2::Fields{{":authority", "a"},
                                                {":method", "CONNECT"},
                                                {":scheme", "http"},
                                                {":path", "/ws"},
                                                {":protocol", "websocket"},
                                                {"sec-websocket-version", "13"}});
}

TEST_CASE("what opens a WebSocket becomes a 101, what refuses it stays", "[http2][backend]") {
  BufferPool pool{16 * 1024, 1};
  const HeadLimits limits;
  const std::string accept = "answer";
  ResponseText text;
  Buffer in{pool};
  SECTION("200") {
    text.begin(in, limits, &accept);
    text.add(":status", "200");
    text.add("content-length", "0");
    text.add("sec-websocket-accept", "another");
    text.add("sec-websocket-protocol", "chat");
    REQUIRE(text.finish() == Fault::None);
    CHECK(in.bytes() ==
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          "Sec-WebSocket-Accept: answer\r\nsec-websocket-protocol: chat\r\n\r\n");
  }
  SECTION("403") {
    text.begin(in, limits, &accept);
    text.add(":status", "403");
    text.add("content-length", "0");
    REQUIRE(text.finish() == Fault::None);
    CHECK(in.bytes() == "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
  }
}
