#include "http/safe_location.hpp"

#include "http/hex.hpp"

namespace keepsake {

namespace {

// As a byte, raw or decoded.
bool is_unsafe(int byte) {
  return byte < 0x20 || byte == 0x7F || byte == '\\';
}

}  // namespace

bool is_safe_location(std::string_view location) {
  if (!location.starts_with('/') || location.starts_with("//")) {
    return false;
  }
  for (std::size_t i = 0; i < location.size(); ++i) {
    const auto byte = static_cast<unsigned char>(location[i]);
    if (is_unsafe(byte) || byte == ' ' || byte > 0x7F) {
      return false;
    }
    const int decoded = byte == '%' ? percent_byte(location, i) : -1;
    if (decoded >= 0 && is_unsafe(decoded)) {
      return false;
    }
  }
  return true;
}

}  // namespace keepsake
