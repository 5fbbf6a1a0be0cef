#include "http2/frame_walk.hpp"

#include <algorithm>

namespace keepsake {

namespace {

constexpr std::size_t kHead = 9;

std::uint32_t number(const unsigned char* p, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    value = value << 8U | p[i];
  }
  return value;
}

bool is(std::uint8_t type, FrameType known) {
  return type == static_cast<std::uint8_t>(known);
}

}  // namespace

bool FrameWalk::next(std::string_view& input, FrameHead& frame) {
  while (true) {
    const std::size_t skipped = std::min(skip_, input.size());
    skip_ -= skipped;
    input.remove_prefix(skipped);
    if (input.empty()) {
      return false;
    }
    begun_ = true;
    head_[have_++] = static_cast<unsigned char>(input.front());
    input.remove_prefix(1);
    if (have_ < kHead) {
      continue;
    }
    frame.length = number(head_.data(), 3);
    frame.type = head_[3];
    frame.flags = head_[4];
    frame.stream = number(head_.data() + 5, 4) & 0x7fff'ffffU;
    frame.padding = 0;
    if (is(frame.type, FrameType::Data) && (frame.flags & kFlagPadded) != 0 && frame.length != 0) {
      if (have_ == kHead) {
        continue;  // the Pad Length field belongs to what is to be known
      }
      frame.padding = 1U + head_[kHead];
    }
    skip_ = kHead + frame.length - have_;
    have_ = 0;
    block_frame_ = is(frame.type, FrameType::Headers) || is(frame.type, FrameType::Continuation);
    if (block_frame_) {
      block_open_ = (frame.flags & kFlagEndHeaders) == 0;
    }
    return true;
  }
}

}  // namespace keepsake
