// What a common HTTP library's parser gets wrong or decides for its user (Boost 1.81's Beast), and
// no other file of these tests shows by its theme. requirements.md lists all of them.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {
constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
}

TEST_CASE("a connection that ends without a byte is nobody's fault", "[wire][gaps]") {
  Backend backend;
  Proxy proxy{backend};
  for (int i = 0; i < 3; ++i) {
    Link client = proxy.connect();
    if (i == 1) {
      client.send("\r\n");
    }
    if (i == 2) {
      client.reset();
    } else {
      client.shutdown_write();
      CHECK(client.read_to_end().empty());
    }
  }
  proxy.wait_until("they are gone", [&] { return proxy.connections() == 0; });
  CHECK(proxy.log().find("fault") == std::string::npos);
}

TEST_CASE("requests and responses may arrive byte by byte", "[wire][gaps]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  Link link;
  for (int i = 0; i < 2; ++i) {
    client.send_bytewise(
        "\r\nPUT /x?y HTTP/1.1\r\nHost: a\r\nX:  y \r\nContent-Length: 3\r\n\r\nabc");
    if (!link) {
      link = backend.accept();
    }
    const Message request = link.read_request();
    CHECK(request.start_line() == "PUT /x?y HTTP/1.1");
    CHECK(request.value("X") == "y ");
    CHECK(request.body == "abc");
    link.send_bytewise(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n"
        "2\r\nde\r\n0\r\n\r\n");
    CHECK(client.read_response().body == "abcde");
  }
}

TEST_CASE("a head that arrives in two halves at every place is the same head", "[wire][gaps]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  const std::string request = "GET /x HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n";
  Link link;
  for (std::size_t at = 1; at < request.size(); ++at) {
    CAPTURE(at);
    client.send(request.substr(0, at));
    // That the first half has arrived alone is likely, not certain; both must be right.
    proxy.ask("GET /setName HTTP/1.1\r\nHost: a\r\n\r\n");
    client.send(request.substr(at));
    if (!link) {
      link = backend.accept();
    }
    const Message seen = link.read_request();
    REQUIRE(seen.start_line() == "GET /x HTTP/1.1");
    REQUIRE(seen.value("X-A") == "b");
    link.send(kOk);
    REQUIRE(client.read_response().body == "ok");
  }
}

TEST_CASE("an upgrade in a trailer is none", "[wire][gaps]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(post("Transfer-Encoding: chunked\r\nSec-WebSocket-Key: x\r\n",
                   "0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nHost: evil\r\n\r\n"));
  Link link = backend.accept();
  const Message request = link.read_request();
  CHECK_FALSE(request.has("Upgrade"));
  CHECK(request.value("Host") == "a.example");
  CHECK(request.trailers.empty());
}

TEST_CASE("nothing but configuration limits a body, and responses not at all", "[wire][gaps]") {
  Backend backend;
  Proxy proxy{backend};
  // above a megabyte up and above eight down, which are that library's limits
  const std::string up(1'200'000, 'u'), down(9'000'000, 'd');
  Link client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1200000\r\n\r\n");
  std::size_t sent = 0;
  Link link = backend.accept();
  link.read_until("\r\n\r\n");
  std::string received;
  while (received.size() < up.size()) {
    sent += client.send_some(std::string_view{up}.substr(sent));
    link.drain_into(received);
  }
  CHECK((received == up));
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n");
  received.clear();
  sent = 0;
  client.read_until("\r\n\r\n");
  while (received.size() < down.size()) {
    sent += link.send_some(std::string_view{down}.substr(sent));
    client.drain_into(received);
  }
  CHECK((received == down));
}

TEST_CASE("heads may be as large as configured", "[wire][gaps]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  const std::string value(15 * 1024, 'x');
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + value + "\r\n\r\n");
  Link link = backend.accept();
  CHECK(link.read_request().value("X") == value);
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + value + "\r\n\r\n");
  CHECK(client.read_response().value("X") == value);
}
