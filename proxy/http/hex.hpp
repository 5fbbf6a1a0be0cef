#pragma once
// Hexadecimal digits, for the text modules of this folder.

#include <string>
#include <string_view>

namespace keepsake {

inline constexpr std::string_view kLowerHex = "0123456789abcdef";
inline constexpr std::string_view kUpperHex = "0123456789ABCDEF";

// 0 to 15, or -1.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return -1;
}

// The byte that "%XX" at `at` stands for, or -1 where no complete escape stands.
constexpr int percent_byte(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size() || text[at] != '%') {
    return -1;
  }
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

inline void append_hex(unsigned char byte, std::string_view digits, std::string& out) {
  out += digits[byte >> 4U];
  out += digits[byte & 15U];
}

}  // namespace keepsake
