#include "http2/stream_order.hpp"

namespace keepsake {

// All between the last and this one are passed over: they are closed (RFC 9113 5.1.1).
void StreamOrder::open(std::uint32_t number) {
  if (number - next_ >= kMemory) {
    opened_.reset();
    ended_.reset();
  } else {
    for (std::uint32_t passed = next_; passed <= number; ++passed) {
      opened_.reset(passed % kMemory);
      ended_.reset(passed % kMemory);
    }
  }
  opened_.set(number % kMemory);
  next_ = number + 1;
}

Http2Code StreamOrder::check(const FrameHead& frame) {
  const auto type = static_cast<FrameType>(frame.type);
  if (type == FrameType::Priority) {
    return frame.stream == 0 ? Http2Code::ProtocolError : Http2Code::NoError;
  }
  if (frame.stream % 2 == 0 ||
      (type != FrameType::Headers && type != FrameType::Data && type != FrameType::RstStream)) {
    return Http2Code::NoError;  // for nghttp2 to judge
  }
  const std::uint32_t number = frame.stream / 2;
  const std::size_t place = number % kMemory;
  if (number >= next_ && type == FrameType::Headers) {
    open(number);
  } else if (!is_known(number)) {
    return Http2Code::NoError;
  } else if (type == FrameType::RstStream) {
    ended_.set(place);
    return Http2Code::NoError;
  } else if (!opened_.test(place)) {
    return Http2Code::ProtocolError;
  } else if (ended_.test(place)) {
    return Http2Code::StreamClosed;
  }
  if ((frame.flags & kFlagEndStream) != 0) {
    ended_.set(place);
  }
  return Http2Code::NoError;
}

}  // namespace keepsake
