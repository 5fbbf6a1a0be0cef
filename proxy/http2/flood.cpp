#include "http2/flood.hpp"

#include <algorithm>
#include <array>

namespace keepsake {

namespace {

constexpr std::int64_t kToken = 1000;

// Free frames, beyond which each costs a token.
constexpr std::uint64_t kFreeSettings = 2;       // its own first, and one change
constexpr std::uint64_t kFreeUnknown = 100;      // GREASE (RFC 8701) and extensions
// The windows that it opens at the beginning. Besides, one for each stream, whose window gRPC opens
// before the answer, and two for each DATA frame that it gets.
constexpr std::uint64_t kFreeWindowUpdates = 2;

// Whether one more is among the free ones. Those that cost a token do not count: otherwise a peer
// that was once above its share would pay for each that follows.
bool is_free(std::uint64_t& used, std::uint64_t most) {
  if (used >= most) {
    return false;
  }
  ++used;
  return true;
}

}  // namespace

std::string_view describe(Flood flood) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Flood::Count)> kWords = {
      "none",       "resets",     "bad_streams",    "continuations",  "pings",       "settings",
      "empty_data", "priorities", "window_updates", "unknown_frames", "header_bomb", "answers"};
  return kWords[static_cast<std::size_t>(flood)];
}

FloodBudget::FloodBudget(SteadyTime now, bool trusted)
    : most_(kTokens * kToken * (trusted ? kTrustedTimes : 1)),
      tokens_(most_),
      per_second_(kPerSecond * kToken * (trusted ? kTrustedTimes : 1)),
      counted_(now),
      free_ping_(now) {}

Flood FloodBudget::spend(Flood kind, SteadyTime now) {
  // In whole milliseconds, so that no part of one is lost to rounding.
  const auto passed = std::chrono::duration_cast<Millis>(now - counted_);
  if (passed.count() > 0) {
    counted_ += passed;
    const std::int64_t most_passed = most_ / per_second_ * 1000 + 1000;  // no overflow after years
    tokens_ = std::min(most_, tokens_ + per_second_ * std::min(passed.count(), most_passed) / 1000);
  }
  if (tokens_ < kToken) {
    return kind;
  }
  tokens_ -= kToken;
  return Flood::None;
}

Flood FloodBudget::count_bad_stream(SteadyTime now) {
  return spend(Flood::BadStreams, now);
}

Flood FloodBudget::count(const FrameHead& frame, SteadyTime now) {
  switch (static_cast<FrameType>(frame.type)) {
    case FrameType::Data:
      return frame.length <= frame.padding && (frame.flags & kFlagEndStream) == 0
                 ? spend(Flood::EmptyData, now)
                 : Flood::None;
    case FrameType::Headers:
      if (frame.stream > last_stream_) {
        last_stream_ = frame.stream;
        ++streams_;
      }
      return Flood::None;
    case FrameType::RstStream:
      return spend(Flood::Resets, now);
    case FrameType::Settings:
      if ((frame.flags & kFlagAck) != 0 || ++settings_ <= kFreeSettings) {
        return Flood::None;
      }
      return spend(Flood::Settings, now);
    case FrameType::Ping:
      if (now >= free_ping_) {
        free_ping_ = now + std::chrono::seconds{1};
        return Flood::None;
      }
      return spend(Flood::Pings, now);
    case FrameType::Priority:
    case FrameType::PriorityUpdate:
      return is_free(priorities_, 2 * streams_) ? Flood::None : spend(Flood::Priorities, now);
    case FrameType::WindowUpdate:
      return is_free(window_updates_, kFreeWindowUpdates + streams_ + 2 * data_sent_)
                 ? Flood::None
                 : spend(Flood::WindowUpdates, now);
    case FrameType::Continuation:
    case FrameType::PushPromise:
      return Flood::None;  // nghttp2 ends the connection: for more than eight, for the first
    case FrameType::Goaway:
      break;
  }
  return ++unknown_ <= kFreeUnknown ? Flood::None : spend(Flood::UnknownFrames, now);
}

}  // namespace keepsake
