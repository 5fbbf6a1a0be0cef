// Where frames end, whatever pieces they come in.

#include "http/websocket_frames.hpp"

#include "support/catch.hpp"

using namespace keepsake;
using From = FrameTracker::From;

namespace {

std::string frame(unsigned char first, std::size_t length, bool masked) {
  std::string out(1, static_cast<char>(first));
  const auto byte = [&out](std::size_t value) { out.push_back(static_cast<char>(value)); };
  const std::size_t mask_bit = masked ? 0x80 : 0;
  if (length < 126) {
    byte(mask_bit | length);
  } else if (length < 65536) {
    byte(mask_bit | 126);
    byte(length >> 8);
    byte(length & 0xff);
  } else {
    byte(mask_bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) {
      byte((static_cast<unsigned long long>(length) >> shift) & 0xff);
    }
  }
  return out + (masked ? "mask" : "") + std::string(length, 'x');
}

}  // namespace

TEST_CASE("frames of every length end where they end", "[http][websocket]") {
  const bool masked = GENERATE(false, true);
  const std::size_t length = GENERATE(as<std::size_t>{}, 0, 1, 125, 126, 127, 65535, 65536, 70000);
  const std::size_t piece = GENERATE(as<std::size_t>{}, 1, 3, 1000, 1000000);
  FrameTracker frames{masked ? From::Client : From::Server};
  const std::string bytes = frame(0x82, length, masked) + frame(0x01, 5, masked);
  const std::size_t first = bytes.size() - frame(0x01, 5, masked).size();
  CHECK(frames.at_boundary());
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const std::string_view part = std::string_view{bytes}.substr(at, piece);
    REQUIRE(frames.follow(part) == part.size());
    const std::size_t end = at + part.size();
    REQUIRE(frames.at_boundary() == (end == first || end == bytes.size()));
  }
  CHECK_FALSE(frames.closed());
}

TEST_CASE("following to a boundary stops behind the frame in progress", "[http][websocket]") {
  FrameTracker frames{From::Server};
  const std::string first = frame(0x02, 300, false);
  const std::string bytes = first + frame(0x81, 4, false);
  CHECK(frames.follow(bytes.substr(0, 100)) == 100);
  CHECK(frames.follow(std::string_view{bytes}.substr(100), true) == first.size() - 100);
  CHECK(frames.at_boundary());
  CHECK(frames.follow(std::string_view{bytes}.substr(first.size()), true) == 6);
}

TEST_CASE("a Close is noticed once it is whole", "[http][websocket]") {
  FrameTracker frames{From::Client};
  const std::string close = close_frame_of_client(CloseCode::GoingAway, {1, 2, 3, 4});
  CHECK(close == std::string("\x88\x82\x01\x02\x03\x04\x02\xeb", 8));
  frames.follow(frame(0x81, 3, true) + close.substr(0, 7));
  CHECK_FALSE(frames.closed());
  frames.follow(close.substr(7));
  CHECK(frames.closed());
  CHECK(close_frame_of_server(CloseCode::GoingAway) == std::string("\x88\x02\x03\xe9", 4));
}

TEST_CASE("what is no frame is never at a boundary again", "[http][websocket]") {
  struct Row {
    From from;
    std::string bytes;
  };
  const auto row = GENERATE(Row{From::Client, frame(0x81, 3, false)},    // unmasked
                            Row{From::Server, frame(0x81, 3, true)},     // masked
                            Row{From::Server, frame(0x08, 2, false)},    // a Close in pieces
                            Row{From::Server, frame(0x89, 126, false)},  // a long Ping
                            Row{From::Server, std::string("\x82\x7f\xff\0\0\0\0\0\0\0", 10)});
  FrameTracker frames{row.from};
  CHECK(frames.follow(row.bytes, true) == row.bytes.size());
  CHECK_FALSE(frames.at_boundary());
  const std::string good = frame(0x81, 1, row.from == From::Client);
  CHECK(frames.follow(good, true) == good.size());
  CHECK_FALSE(frames.at_boundary());
}
