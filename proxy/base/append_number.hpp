#pragma once
// The one writer of decimal numbers in heads and log lines.

#include <array>
#include <charconv>
#include <cstdint>
#include <string>

namespace keepsake {

inline void append_number(std::uint64_t value, std::string& out) {
  std::array<char, 20> digits{};
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

}  // namespace keepsake
