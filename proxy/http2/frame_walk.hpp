#pragma once
// Finds the frame heads in what a peer sends (RFC 9113 4.1), so that every frame is counted, also
// those that nghttp2 skips without a word. Reads the nine bytes of a head and skips the payload.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace keepsake {

// RFC 9113 6, RFC 9218 7.1.
enum class FrameType : std::uint8_t {
  Data = 0x0,
  Headers = 0x1,
  Priority = 0x2,
  RstStream = 0x3,
  Settings = 0x4,
  PushPromise = 0x5,
  Ping = 0x6,
  Goaway = 0x7,
  WindowUpdate = 0x8,
  Continuation = 0x9,
  PriorityUpdate = 0x10,
};

inline constexpr std::uint8_t kFlagEndStream = 0x1;  // DATA, HEADERS
inline constexpr std::uint8_t kFlagAck = 0x1;        // SETTINGS, PING
inline constexpr std::uint8_t kFlagEndHeaders = 0x4;
inline constexpr std::uint8_t kFlagPadded = 0x8;

struct FrameHead {
  std::size_t length = 0;  // of the payload, padding included
  std::uint8_t type = 0;   // FrameType, or an extension's
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::size_t padding = 0;  // of DATA: the Pad Length field and the padding
};

class FrameWalk {
 public:
  // `preface` bytes come before the first frame: 24 from a client, 0 from a server.
  explicit FrameWalk(std::size_t preface) : skip_(preface) {}

  // Takes bytes off the front of `input` until a frame head is complete (true) or nothing is left.
  bool next(std::string_view& input, FrameHead& frame);

  // A header block has begun whose last frame has not come whole: `timeouts.header` runs.
  bool in_header_block() const { return block_open_ || in_block_frame(); }
  // Whether anything of the first frame has come.
  bool begun() const { return begun_; }

 private:
  bool in_block_frame() const { return block_frame_ && skip_ != 0; }

  std::array<unsigned char, 10> head_{};
  std::size_t have_ = 0;
  std::size_t skip_;  // payload bytes that are still to come
  bool begun_ = false;
  bool block_open_ = false;   // HEADERS or CONTINUATION without END_HEADERS
  bool block_frame_ = false;  // the frame whose payload is skipped is HEADERS or CONTINUATION
};

}  // namespace keepsake
