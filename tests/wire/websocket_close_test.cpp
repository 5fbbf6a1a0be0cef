// What the drain does to a WebSocket: a Close to both sides, behind the frame in progress, once.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr const char* kUpgrade =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
constexpr const char* kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

const std::string kGoingAway{"\x88\x02\x03\xe9", 4};
const std::string kHello{"\x81\x05hello"};                    // a server's
const std::string kMaskedHello{"\x81\x85\0\0\0\0hello", 11};  // a client's
const std::string kMaskedClose{"\x88\x82\0\0\0\0\x03\xe9", 8};

struct Both {
  Link client;
  Link backend;
};

Both open_websocket(const Proxy& proxy, Backend& backend) {
  Both both;
  both.client = proxy.connect();
  both.client.send(kUpgrade);
  both.backend = backend.accept();
  both.backend.read_request();
  both.backend.send(kSwitch);
  REQUIRE(both.client.read_response().status() == 101);
  both.client.send(kMaskedHello);
  REQUIRE(both.backend.read_exactly(kMaskedHello.size()) == kMaskedHello);
  both.backend.send(kHello);
  REQUIRE(both.client.read_exactly(kHello.size()) == kHello);
  return both;
}

// A client's Close has a mask that nobody can foresee.
void check_masked_close(const std::string& frame) {
  REQUIRE(frame.substr(0, 2) == "\x88\x82");
  CHECK((frame[6] ^ frame[2]) == '\x03');
  CHECK((frame[7] ^ frame[3]) == '\xe9');
}

}  // namespace

TEST_CASE("a silent WebSocket gets a Close from both sides and ends when both answer",
          "[wire][upgrade][drain]") {
  Backend backend;
  Proxy proxy{backend};
  Both both = open_websocket(proxy, backend);
  proxy.drain();
  CHECK(both.client.read_exactly(4) == kGoingAway);
  check_masked_close(both.backend.read_exactly(8));
  both.client.send(kMaskedClose);
  both.backend.send(kGoingAway);
  CHECK(both.client.read_to_end().empty());
  CHECK(both.backend.read_rest().bytes.empty());
  CHECK(proxy.ended());
}

TEST_CASE("the Close waits for the end of a frame in progress", "[wire][upgrade][drain]") {
  Backend backend;
  Proxy proxy{backend};
  Both both = open_websocket(proxy, backend);
  both.backend.send(kHello.substr(0, 4));
  REQUIRE(both.client.read_exactly(4) == kHello.substr(0, 4));
  both.client.send(kMaskedHello.substr(0, 7));
  REQUIRE(both.backend.read_exactly(7) == kMaskedHello.substr(0, 7));
  proxy.drain();
  CHECK_FALSE(both.client.readable(milliseconds{50}));
  // what follows the frame in one piece with it goes nowhere any more
  both.backend.send(kHello.substr(4) + kHello);
  CHECK(both.client.read_exactly(3 + 4) == kHello.substr(4) + kGoingAway);
  both.client.send(kMaskedHello.substr(7) + kMaskedHello);
  CHECK(both.backend.read_exactly(4) == kMaskedHello.substr(7));
  check_masked_close(both.backend.read_exactly(8));
  both.client.send(kMaskedClose);
  both.backend.send(kGoingAway);
  CHECK(both.client.read_to_end().empty());
  CHECK(both.backend.read_rest().bytes.empty());
}

TEST_CASE("a side that closes by itself is not told to", "[wire][upgrade][drain]") {
  Backend backend;
  Proxy proxy{backend};
  Both both = open_websocket(proxy, backend);
  both.client.send(kMaskedClose);
  REQUIRE(both.backend.read_exactly(8) == kMaskedClose);
  proxy.drain();
  CHECK(both.client.read_exactly(4) == kGoingAway);
  CHECK_FALSE(both.backend.readable(milliseconds{50}));
  both.backend.send(kGoingAway);
  CHECK(both.client.read_to_end().empty());
  CHECK(both.backend.read_rest().bytes.empty());
}

TEST_CASE("a WebSocket whose sides do not answer ends five seconds after its Close",
          "[wire][upgrade][drain]") {
  Backend backend;
  Proxy proxy{backend};
  Both both = open_websocket(proxy, backend);
  const bool frames = GENERATE(true, false);
  if (!frames) {
    both.backend.send("no frames at all");
    both.client.read_exactly(16);
  }
  proxy.drain();
  if (frames) {
    CHECK(both.client.read_exactly(4) == kGoingAway);
  }
  proxy.advance(seconds{4});
  CHECK_FALSE(both.client.readable(milliseconds{20}));
  proxy.advance(seconds{2});
  CHECK(both.client.read_rest().bytes.empty());
  CHECK(proxy.ended());
}
