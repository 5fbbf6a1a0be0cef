#include "http2/error_code.hpp"

#include <array>

namespace keepsake {

std::string_view describe(Http2Code code) {
  static constexpr std::array<std::string_view, kHttp2Codes> kWords = {"no_error",
                                                                       "protocol_error",
                                                                       "internal_error",
                                                                       "flow_control_error",
                                                                       "settings_timeout",
                                                                       "stream_closed",
                                                                       "frame_size_error",
                                                                       "refused_stream",
                                                                       "cancel",
                                                                       "compression_error",
                                                                       "connect_error",
                                                                       "enhance_your_calm",
                                                                       "inadequate_security",
                                                                       "http_1_1_required"};
  const auto index = static_cast<std::uint32_t>(code);
  return index < kWords.size() ? kWords[index] : "unknown";
}

}  // namespace keepsake
