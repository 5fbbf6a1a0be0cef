#include "http2/frame_walk.hpp"

#include <vector>

#include "support/catch.hpp"
#include "support/http2.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

std::vector<FrameHead> walk(FrameWalk& frames, std::string_view input) {
  std::vector<FrameHead> seen;
  FrameHead frame;
  while (frames.next(input, frame)) {
    seen.push_back(frame);
  }
  return seen;
}

}  // namespace

TEST_CASE("every frame is seen however the input is cut", "[http2]") {
  const std::string input = std::string{http2::kPreface} + http2::settings({{1, 2}}) +
                            http2::frame(0xfe, 3, 7, "extension") + http2::data(1, "") +
                            http2::ping();
  FrameWalk whole{http2::kPreface.size()};
  const std::vector<FrameHead> frames = walk(whole, input);
  REQUIRE(frames.size() == 4);
  CHECK(frames[0].type == http2::kSettings);
  CHECK(frames[0].length == 6);
  CHECK(frames[1].type == 0xfe);
  CHECK(frames[1].flags == 3);
  CHECK(frames[1].stream == 7);
  CHECK(frames[1].length == 9);
  CHECK(frames[2].type == http2::kData);
  CHECK(frames[3].type == http2::kPing);
  for (std::size_t piece = 1; piece < 20; ++piece) {
    FrameWalk cut{http2::kPreface.size()};
    std::size_t seen = 0;
    for (std::size_t at = 0; at < input.size(); at += piece) {
      seen += walk(cut, std::string_view{input}.substr(at, piece)).size();
    }
    CHECK(seen == 4);
  }
}

TEST_CASE("the reserved bit of a stream's number is ignored", "[http2]") {
  FrameWalk frames{0};
  const auto seen = walk(frames, http2::frame(http2::kPing, 0, 0x8000'0005U, "12345678"));
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].stream == 5);
}

TEST_CASE("padding of DATA is counted with its length field", "[http2]") {
  const auto padding = [](const std::string& bytes) {
    FrameWalk frames{0};
    const auto seen = walk(frames, bytes);
    return seen.empty() ? 1000U : seen[0].padding;
  };
  CHECK(padding(http2::frame(http2::kData, http2::kPadded, 1,
                             std::string("\x03"
                                         "ab\0\0\0",
                                         6))) == 4);
  CHECK(padding(http2::frame(http2::kData, http2::kPadded, 1, std::string("\0", 1))) == 1);
  CHECK(padding(http2::frame(http2::kData, http2::kPadded, 1, "")) == 0);
  CHECK(padding(http2::data(1, "abc")) == 0);
  // Until the length field is there the frame is not known.
  CHECK(padding(http2::frame(http2::kData, http2::kPadded, 1, "abc").substr(0, 9)) == 1000);
}

TEST_CASE("a header block is unfinished from its first byte to its last", "[http2]") {
  const std::string block = http2::literals(http2::get());
  const std::string first = http2::frame(http2::kHeaders, http2::kEndStream, 1, block.substr(0, 9));
  const std::string last =
      http2::frame(http2::kContinuation, http2::kEndHeaders, 1, block.substr(9));
  FrameWalk frames{0};
  CHECK_FALSE(frames.in_header_block());
  walk(frames, first.substr(0, 12));
  CHECK(frames.in_header_block());
  walk(frames, first.substr(12));
  CHECK(frames.in_header_block());
  walk(frames, last.substr(0, last.size() - 1));
  CHECK(frames.in_header_block());
  walk(frames, last.substr(last.size() - 1));
  CHECK_FALSE(frames.in_header_block());
  walk(frames, http2::data(1, "abc").substr(0, 11));
  CHECK_FALSE(frames.in_header_block());
}
