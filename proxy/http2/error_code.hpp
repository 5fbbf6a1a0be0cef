#pragma once
// The error codes of RST_STREAM and GOAWAY (RFC 9113 7).

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace keepsake {

enum class Http2Code : std::uint32_t {
  NoError = 0x0,
  ProtocolError = 0x1,
  InternalError = 0x2,
  FlowControlError = 0x3,
  SettingsTimeout = 0x4,
  StreamClosed = 0x5,
  FrameSizeError = 0x6,
  RefusedStream = 0x7,
  Cancel = 0x8,
  CompressionError = 0x9,
  ConnectError = 0xa,
  EnhanceYourCalm = 0xb,
  InadequateSecurity = 0xc,
  Http11Required = 0xd,
};

inline constexpr std::size_t kHttp2Codes = 14;

// The name as metrics and the log write it: "protocol_error"; "unknown" for others.
std::string_view describe(Http2Code code);

}  // namespace keepsake
