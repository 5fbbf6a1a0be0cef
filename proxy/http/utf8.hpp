#pragma once
// One decoding step of strict UTF-8 (RFC 3629), for the checks and encodings of this folder.

#include <cstdint>
#include <string_view>

namespace keepsake {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t size = 0;  // 0: no well-formed sequence begins here
};

// `at` is within `text`. Surrogates, overlong forms and what is above U+10FFFF are not well-formed.
constexpr CodePoint decode_utf8(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : std::uint32_t{0};
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) {
    return {lead, 1};
  }
  if (lead >= 0xC2 && lead <= 0xDF && continues(1)) {
    return {(lead & 0x1FU) << 6U | (byte(1) & 0x3FU), 2};
  }
  if (lead >= 0xE0 && lead <= 0xEF && continues(1) && continues(2)) {
    const std::uint32_t value = (lead & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
    if (value >= 0x800 && (value < 0xD800 || value > 0xDFFF)) {
      return {value, 3};
    }
  }
  if (lead >= 0xF0 && lead <= 0xF4 && continues(1) && continues(2) && continues(3)) {
    const std::uint32_t value = (lead & 0x07U) << 18U | (byte(1) & 0x3FU) << 12U |
                                (byte(2) & 0x3FU) << 6U | (byte(3) & 0x3FU);
    if (value >= 0x10000 && value <= 0x10FFFF) {
      return {value, 4};
    }
  }
  return {};
}

}  // namespace keepsake
