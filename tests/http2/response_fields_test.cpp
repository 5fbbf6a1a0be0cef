#include "http2/response_fields.hpp"

#include "support/catch.hpp"
#include "support/http2.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::string_literals;

namespace {

http2::Fields fields_in(const ResponseFields& fields) {
  http2::Fields list;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const nghttp2_nv& field = fields.data()[i];
    list.emplace_back(std::string{reinterpret_cast<const char*>(field.name), field.namelen},
                      std::string{reinterpret_cast<const char*>(field.value), field.valuelen});
  }
  return list;
}

http2::Fields read(std::string text, bool tunnel = false) {
  ResponseFields fields;
  REQUIRE(fields.read_head(text.data(), text.size(), tunnel));
  return fields_in(fields);
}

bool refuses(std::string text) {
  ResponseFields fields;
  return !fields.read_head(text.data(), text.size());
}

}  // namespace

TEST_CASE("a response head becomes fields with names in lower case", "[http2][fields]") {
  CHECK(
      read("HTTP/1.1 404 Not Found\r\nContent-Type:text/html\r\nX-A: \t b c \r\nEmpty:\r\n\r\n") ==
      http2::Fields{
          {":status", "404"}, {"content-type", "text/html"}, {"x-a", "b c"}, {"empty", ""}});
  CHECK(read("HTTP/1.1 200 \r\n\r\n") == http2::Fields{{":status", "200"}});
  CHECK(read("HTTP/1.1 200\r\n\r\n") == http2::Fields{{":status", "200"}});
}

TEST_CASE("what speaks of the connection is left out of a response", "[http2][fields]") {
  CHECK(read("HTTP/1.1 200 OK\r\nConnection: close\r\nKeep-Alive: timeout=5\r\n"
             "Proxy-Connection: close\r\nTransfer-Encoding: chunked\r\nUpgrade: h2c\r\n"
             "HTTP2-Settings: x\r\nX-A: b\r\n\r\n") ==
        http2::Fields{{":status", "200"}, {"x-a", "b"}});
}

TEST_CASE("fields that Connection names are left out, cookies are not", "[http2][fields]") {
  CHECK(read("HTTP/1.1 200 OK\r\nX-One: 1\r\nConnection: keep-alive, X-One, set-cookie\r\n"
             "X-Two: 2\r\nConnection: x-two, :status\r\nSet-Cookie: a=1\r\nX-Three: 3\r\n\r\n") ==
        http2::Fields{{":status", "200"}, {"set-cookie", "a=1"}, {"x-three", "3"}});
}

TEST_CASE("cookies stay apart and in order", "[http2][fields]") {
  CHECK(
      read("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-A: b\r\nSet-Cookie: b=2; Path=/\r\n\r\n") ==
      http2::Fields{
          {":status", "200"}, {"set-cookie", "a=1"}, {"x-a", "b"}, {"set-cookie", "b=2; Path=/"}});
}

TEST_CASE("a response without content announces no length", "[http2][fields]") {
  const std::string length = "\r\nContent-Length: 0\r\n\r\n";
  CHECK(read("HTTP/1.1 204 No Content" + length) == http2::Fields{{":status", "204"}});
  CHECK(read("HTTP/1.1 103 Early Hints" + length) == http2::Fields{{":status", "103"}});
  for (const char* status : {"200", "205", "304"}) {
    CHECK(read("HTTP/1.1 "s + status + " X" + length).size() == 2);
  }
}

TEST_CASE("the head of a tunnel is a 200 without the handshake", "[http2][fields]") {
  CHECK(read("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: abc\r\nSec-WebSocket-Extensions: x\r\nContent-Length: 0\r\n"
             "\r\n",
             true) == http2::Fields{{":status", "200"}, {"sec-websocket-extensions", "x"}});
}

TEST_CASE("what is no head of a response is refused", "[http2][fields]") {
  for (const std::string& text :
       {""s, "HTTP/1.1 200 OK\r\n"s, "HTTP/1.1 20\r\n\r\n"s, "HTTP/1.1 2x0 OK\r\n\r\n"s,
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"s, "HTTP/1.1 200 OK\r\n: a\r\n\r\n"s,
        "HTTP/1.1 200 OK\r\na b: c\r\n\r\n"s, "HTTP/1.1 200 OK\r\na: b\r\n"s,
        "HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n"s, "HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n"s}) {
    CAPTURE(text);
    CHECK(refuses(text));
  }
}

TEST_CASE("trailers are lines without a status", "[http2][fields]") {
  std::string lines =
      "Grpc-Status: 0\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\nX: y\r\n";
  ResponseFields fields;
  REQUIRE(fields.read_trailers(lines.data(), lines.size()));
  CHECK(fields_in(fields) == http2::Fields{{"grpc-status", "0"}, {"x", "y"}});
  CHECK(fields.read_trailers(lines.data(), 0));
  CHECK(fields.size() == 0);
}
