#pragma once
// What HTTP/2 says of field names, both ways (RFC 9113 8.2).

#include <array>
#include <cstdint>
#include <string_view>

#include "http/chars.hpp"

namespace keepsake {

namespace detail {
constexpr auto make_lower_token_table() {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    table[c] = kTokenTable[c] != 0 && (c < 'A' || c > 'Z') ? 1 : 0;
  }
  return table;
}
}  // namespace detail

inline constexpr std::array<std::uint8_t, 256> kLowerTokenTable = detail::make_lower_token_table();

// A token without upper-case letters: the only shape of a regular field's name.
inline bool is_field_name(std::string_view name) {
  for (const char c : name) {
    if (kLowerTokenTable[static_cast<unsigned char>(c)] == 0) {
      return false;
    }
  }
  return !name.empty();
}

// Fields that speak of one HTTP/1 connection and have no place in HTTP/2 (RFC 9113 8.2.2). `name`
// is in lower case.
inline bool is_connection_specific(std::string_view name) {
  switch (name.size()) {
    case 7:
      return name == "upgrade";
    case 10:
      return name == "connection" || name == "keep-alive";
    case 16:
      return name == "proxy-connection";
    case 17:
      return name == "transfer-encoding";
    default:
      return false;
  }
}

}  // namespace keepsake
