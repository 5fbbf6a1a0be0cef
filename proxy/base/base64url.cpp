#include "base/base64url.hpp"

#include <array>

namespace keepsake {
namespace {

constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kClassicAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The top bit marks what is not in the alphabet, so that a whole text is judged by one OR.
constexpr std::uint8_t kForeign = 0x80;

constexpr std::array<std::uint8_t, 256> reverse_table() {
  std::array<std::uint8_t, 256> table{};
  table.fill(kForeign);
  for (std::size_t i = 0; i < kUrlAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kUrlAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}

constexpr std::array<std::uint8_t, 256> kReverse = reverse_table();

// Writes the characters of `bytes` and returns the position behind the last one.
char* encode(std::span<const std::uint8_t> bytes, std::string_view alphabet, char* to) {
  const std::uint8_t* from = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 3; left -= 3, from += 3, to += 4) {
    const unsigned block =
        static_cast<unsigned>(from[0]) << 16 | static_cast<unsigned>(from[1]) << 8 | from[2];
    to[0] = alphabet[block >> 18];
    to[1] = alphabet[block >> 12 & 63];
    to[2] = alphabet[block >> 6 & 63];
    to[3] = alphabet[block & 63];
  }
  if (left == 1) {
    *to++ = alphabet[from[0] >> 2];
    *to++ = alphabet[(from[0] & 3u) << 4];
  } else if (left == 2) {
    *to++ = alphabet[from[0] >> 2];
    *to++ = alphabet[(from[0] & 3u) << 4 | from[1] >> 4];
    *to++ = alphabet[(from[1] & 15u) << 2];
  }
  return to;
}

}  // namespace

std::optional<std::size_t> base64url_decode(std::string_view text, std::span<std::uint8_t> out) {
  const std::size_t rest = text.size() % 4;
  const std::size_t size = base64url_decoded_size(text.size());
  if (rest == 1 || size > out.size()) {
    return std::nullopt;
  }
  const auto* from = reinterpret_cast<const unsigned char*>(text.data());
  std::uint8_t* to = out.data();
  unsigned seen = 0;
  for (std::size_t left = text.size() / 4; left != 0; --left, from += 4, to += 3) {
    const unsigned a = kReverse[from[0]], b = kReverse[from[1]];
    const unsigned c = kReverse[from[2]], d = kReverse[from[3]];
    seen |= a | b | c | d;
    to[0] = static_cast<std::uint8_t>(a << 2 | b >> 4);
    to[1] = static_cast<std::uint8_t>(b << 4 | c >> 2);
    to[2] = static_cast<std::uint8_t>(c << 6 | d);
  }
  unsigned unused_bits = 0;
  if (rest != 0) {
    const unsigned a = kReverse[from[0]], b = kReverse[from[1]];
    seen |= a | b;
    to[0] = static_cast<std::uint8_t>(a << 2 | b >> 4);
    unused_bits = b & 15;
    if (rest == 3) {
      const unsigned c = kReverse[from[2]];
      seen |= c;
      to[1] = static_cast<std::uint8_t>(b << 4 | c >> 2);
      unused_bits = c & 3;
    }
  }
  if ((seen & kForeign) != 0 || unused_bits != 0) {
    return std::nullopt;
  }
  return size;
}

void base64url_encode(std::span<const std::uint8_t> bytes, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + base64url_size(bytes.size()));
  encode(bytes, kUrlAlphabet, out.data() + before);
}

void base64_encode(std::span<const std::uint8_t> bytes, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + (bytes.size() + 2) / 3 * 4, '=');
  encode(bytes, kClassicAlphabet, out.data() + before);
}

}  // namespace keepsake
