// The frames of a WebSocket: their ends do not move with the pieces that the bytes come in.

#include <string>

#include "fuzz.hpp"
#include "http/websocket_frames.hpp"

using namespace keepsake;
using fuzz::must;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const auto from = (data[0] & 1) != 0 ? FrameTracker::From::Client : FrameTracker::From::Server;
  const std::string_view input = fuzz::as_text(data + 1, size - 1);
  FrameTracker whole{from};
  must(whole.follow(input) == input.size());

  FrameTracker bytes{from};
  FrameTracker frames{from};
  std::size_t at = 0;
  std::size_t boundary = 0;
  while (at < input.size()) {
    const std::size_t taken = frames.follow(input.substr(at), true);
    must(taken > 0 && taken <= input.size() - at);
    at += taken;
    while (boundary < at) {
      must(bytes.follow(input.substr(boundary++, 1)) == 1);
      // Between two stops there is no other boundary.
      must(bytes.at_boundary() == (boundary == at && frames.at_boundary()));
    }
  }
  must(bytes.at_boundary() == whole.at_boundary() && frames.at_boundary() == whole.at_boundary());
  must(bytes.closed() == whole.closed() && frames.closed() == whole.closed());
  return 0;
}
