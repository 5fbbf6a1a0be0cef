// The chunked coding of requests, strict and bounded (RFC 9112 7.1).

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake::test;

namespace {

// The status for a POST with this chunked body. The backend may have been told of the request, but
// it must not get a complete body.
unsigned status_for(const Proxy& proxy, Backend& backend, std::string_view chunks) {
  Link client = proxy.connect();
  client.send(post("Transfer-Encoding: chunked\r\n", chunks));
  const Message response = client.read_response();
  client.read_to_end();
  if (backend.has_connection()) {
    const std::string got = backend.accept().read_rest().bytes;
    INFO(escaped(got));
    CHECK(got.find("\r\n0\r\n\r\n") == std::string::npos);
    CHECK(got.find("smuggled") == std::string::npos);
  }
  return response.status();
}

std::string forwarded_body(const Proxy& proxy, Backend& backend, std::string_view chunks) {
  Link client = proxy.connect();
  client.send(post("Transfer-Encoding: chunked\r\n", chunks));
  Link link = backend.accept();
  const Message request = link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  REQUIRE(client.read_response().status() == 200);
  CHECK(request.trailers.empty());
  CHECK(request.raw_body.find(';') == std::string::npos);
  return request.body;
}

constexpr const char* kBehind = "\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace

TEST_CASE("a chunk size that is not plain hexadecimal is refused", "[wire][chunks]") {
  Backend backend;
  Proxy proxy{backend};
  for (const char* size : {"0x5", "0_5", "+5", "-5", " 5", "", "5g", "\t5", "5 ", "5\t"}) {
    CAPTURE(size);
    CHECK(status_for(proxy, backend, std::string{size} + "\r\nhello\r\n0\r\n\r\n" + kBehind) ==
          400);
  }
}

TEST_CASE("a chunk size beyond 2^63-1 is refused", "[wire][chunks]") {
  Backend backend;
  Proxy proxy{backend};
  for (const char* size :
       {"8000000000000000", "ffffffffffffffff", "10000000000000000", "100000000000000005"}) {
    CAPTURE(size);
    CHECK(status_for(proxy, backend, std::string{size} + "\r\nhello") == 400);
  }
}

TEST_CASE("leading zeros of a chunk size are fine up to the bound of the line", "[wire][chunks]") {
  Backend backend;
  Proxy proxy{backend};
  CHECK(forwarded_body(proxy, backend, std::string(40, '0') + "5\r\nhello\r\n0\r\n\r\n") ==
        "hello");
  CHECK(forwarded_body(proxy, backend, std::string(253, '0') + "5\r\nhello\r\n0\r\n\r\n") ==
        "hello");
  CHECK(status_for(proxy, backend, std::string(254, '0') + "5\r\nhello\r\n0\r\n\r\n") == 400);
}

TEST_CASE("legal chunk extensions are dropped", "[wire][chunks]") {
  Backend backend;
  Proxy proxy{backend};
  CHECK(forwarded_body(proxy, backend,
                       "5;a=b;c=\"d\"\r\nhello\r\n6;flag\r\n world\r\n0;last=\"x\\\"y\"\r\n\r\n") ==
        "hello world");
}

TEST_CASE("a chunk extension with a control, a bare CR or LF, or an open quote is refused",
          "[wire][chunks]") {
  Backend backend;
  Proxy proxy{backend};
  for (const std::string& line :
       {std::string{"5;a=\x01"}, std::string{"5;a=\"\x02\""}, std::string{"5;a\nb"},
        std::string{"5;a\rb"}, std::string{"5;a=\"b"}, std::string{"5;a=\"b\\"}, std::string{"5;"},
        std::string{"5;=b"}, std::string{"5; a"}, std::string{"5;a=\0b", 6},
        std::string{"5;a=\"b\nc\""}}) {
    CAPTURE(escaped(line));
    CHECK(status_for(proxy, backend, line + "\r\nhello\r\n0\r\n\r\n" + kBehind) == 400);
  }
}

TEST_CASE("a flood of chunk framing is refused", "[wire][chunks]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string chunk = "1;" + std::string(200, 'x') + "\r\na\r\n";
  std::string flood;
  for (int i = 0; i < 200; ++i) {
    flood += chunk;
  }
  CHECK(status_for(proxy, backend, flood) == 400);
}

TEST_CASE("many one-byte chunks without extensions are a slow but honest sender",
          "[wire][chunks]") {
  Backend backend;
  Proxy proxy{backend};
  std::string chunks;
  for (int i = 0; i < 5000; ++i) {
    chunks += "1\r\na\r\n";
  }
  CHECK(forwarded_body(proxy, backend, chunks + "0\r\n\r\n") == std::string(5000, 'a'));
}

TEST_CASE("a bare LF at the end of a chunk line is refused at once", "[wire][chunks]") {
  Backend backend;
  Proxy proxy{backend};
  CHECK(status_for(proxy, backend, "5\nhello\r\n0\r\n\r\n") == 400);
  CHECK(status_for(proxy, backend, "5\n") == 400);
  CHECK(status_for(proxy, backend, "5\r\nhello\r\n0\n\n") == 400);
  CHECK(status_for(proxy, backend, "5\r\nhello\r\n0\r\n\n") == 400);
}

TEST_CASE("chunk data that no CRLF follows is refused", "[wire][chunks]") {
  Backend backend;
  Proxy proxy{backend};
  CHECK(status_for(proxy, backend, "5\r\nhelloX\r\n0\r\n\r\n") == 400);
  CHECK(status_for(proxy, backend, "5\r\nhello0\r\n\r\n") == 400);
  CHECK(status_for(proxy, backend, "5\r\nhello\n0\r\n\r\n") == 400);
  CHECK(status_for(proxy, backend, "5\r\nhello\rX0\r\n\r\n") == 400);
}

TEST_CASE("request trailers are read and dropped", "[wire][chunks]") {
  Backend backend;
  Proxy proxy{backend};
  CHECK(forwarded_body(proxy, backend,
                       "5\r\nhello\r\n0\r\nX-Session-Name: evil\r\nContent-Length: 99\r\n"
                       "X-Checksum: abc\r\n\r\n") == "hello");
}

TEST_CASE("request trailers are bounded like headers", "[wire][chunks]") {
  Backend backend;
  Proxy proxy{backend, "limits: {header: 1KiB, headers: 10}\n"};
  std::string ten = "0\r\n";
  for (int i = 0; i < 10; ++i) {
    ten += "a: b\r\n";
  }
  CHECK(forwarded_body(proxy, backend, ten + "\r\n").empty());
  CHECK(status_for(proxy, backend, ten + "a: b\r\n\r\n") == 400);
  CHECK(status_for(proxy, backend, "0\r\na: " + std::string(1024, 'x') + "\r\n\r\n") == 400);
}

TEST_CASE("a bad trailer line is refused", "[wire][chunks]") {
  Backend backend;
  Proxy proxy{backend};
  for (const char* trailer :
       {"no colon\r\n", ": v\r\n", "a : b\r\n", "a: b\r\n c\r\n", "a: b\n", "a: \x01\r\n"}) {
    CAPTURE(escaped(trailer));
    CHECK(status_for(proxy, backend,
                     "5\r\nhello\r\n0\r\n" + std::string{trailer} + "\r\n" + kBehind) == 400);
  }
}

TEST_CASE("Connection: close in a trailer does not end the connection", "[wire][chunks]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(post("Transfer-Encoding: chunked\r\n",
                   "0\r\nConnection: close\r\nUpgrade: websocket\r\n\r\n"));
  Link link = backend.accept();
  for (int i = 0; i < 2; ++i) {
    link.read_request();
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    const Message response = client.read_response();
    CHECK(response.status() == 200);
    CHECK_FALSE(response.has("Connection"));
    client.send("GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
  }
}

TEST_CASE("a chunked body may arrive byte by byte", "[wire][chunks]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send_bytewise(post("Transfer-Encoding: chunked\r\n",
                            "5;x=\"y\"\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n"));
  Link link = backend.accept();
  CHECK(link.read_request().body == "hello!");
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.read_response().status() == 200);
}
