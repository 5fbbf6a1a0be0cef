#pragma once
// What a client may still send on its own streams (RFC 9113 5.1, 5.1.1): nothing of a body after
// END_STREAM or RST_STREAM, and no request on a number that it has passed over. nghttp2 keeps no
// closed streams and ignores such frames, as it must where Keepsake has closed the stream; this
// looks at what the client itself has said, so no frame on its way can be meant. Pure.

#include <bitset>
#include <cstddef>
#include <cstdint>

#include "http2/error_code.hpp"
#include "http2/frame_walk.hpp"

namespace keepsake {

class StreamOrder {
 public:
  // The next frame of the client. NoError, or the code of the connection error that it is.
  Http2Code check(const FrameHead& frame);

 private:
  // The streams that are remembered, the newest; of older ones nothing is known.
  static constexpr std::uint32_t kMemory = 512;

  // Streams are counted: 1, 3, 5 are 0, 1, 2.
  bool is_known(std::uint32_t number) const { return number < next_ && next_ - number <= kMemory; }
  void open(std::uint32_t number);

  std::uint32_t next_ = 0;  // behind the highest that was opened
  std::bitset<kMemory> opened_;
  std::bitset<kMemory> ended_;  // by the client
};

}  // namespace keepsake
