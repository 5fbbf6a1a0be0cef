#include "base/base64url.hpp"

#include <array>
#include <cstring>

namespace keepsake {
namespace {

constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kClassicAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// What is in no alphabet has this bit set, so that a whole text is judged by one OR.
constexpr std::uint32_t kForeign = 0x8000'0000;

// Per place in a group of four, what a character contributes to the group's 24 bits.
using Reverse = std::array<std::array<std::uint32_t, 256>, 4>;

constexpr Reverse reverse_tables() {
  Reverse tables{};
  for (std::size_t place = 0; place < 4; ++place) {
    tables[place].fill(kForeign);
    for (std::size_t i = 0; i < kUrlAlphabet.size(); ++i) {
      tables[place][static_cast<unsigned char>(kUrlAlphabet[i])] =
          static_cast<std::uint32_t>(i << (6 * (3 - place)));
    }
  }
  return tables;
}

constexpr Reverse kReverse = reverse_tables();

// The two characters that spell twelve bits.
using Pairs = std::array<std::array<char, 2>, 4096>;

constexpr Pairs pair_table(std::string_view alphabet) {
  Pairs pairs{};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    pairs[i] = {alphabet[i >> 6], alphabet[i & 63]};
  }
  return pairs;
}

constexpr Pairs kUrlPairs = pair_table(kUrlAlphabet);
constexpr Pairs kClassicPairs = pair_table(kClassicAlphabet);

std::uint32_t group_of(const std::uint8_t* from, std::size_t size) {
  std::uint32_t group = static_cast<std::uint32_t>(from[0]) << 16;
  if (size > 1) {
    group |= static_cast<std::uint32_t>(from[1]) << 8;
  }
  if (size > 2) {
    group |= from[2];
  }
  return group;
}

// Writes the characters of `bytes`, without padding.
void encode(std::span<const std::uint8_t> bytes, const Pairs& pairs, char* to) {
  const std::uint8_t* from = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 3; left -= 3, from += 3, to += 4) {
    const std::uint32_t group = group_of(from, 3);
    std::memcpy(to, pairs[group >> 12].data(), 2);
    std::memcpy(to + 2, pairs[group & 0xFFF].data(), 2);
  }
  if (left != 0) {
    const std::uint32_t group = group_of(from, left);
    std::memcpy(to, pairs[group >> 12].data(), 2);
    std::memcpy(to + 2, pairs[group & 0xFFF].data(), left - 1);
  }
}

void write_group(std::uint32_t group, std::size_t size, std::uint8_t* to) {
  to[0] = static_cast<std::uint8_t>(group >> 16);
  if (size > 1) {
    to[1] = static_cast<std::uint8_t>(group >> 8);
  }
  if (size > 2) {
    to[2] = static_cast<std::uint8_t>(group);
  }
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
  std::uint32_t seen = 0;
  for (std::size_t left = text.size() / 4; left != 0; --left, from += 4, to += 3) {
    const std::uint32_t group =
        kReverse[0][from[0]] | kReverse[1][from[1]] | kReverse[2][from[2]] | kReverse[3][from[3]];
    seen |= group;
    write_group(group, 3, to);
  }
  if (rest != 0) {
    const std::uint32_t third = rest == 3 ? kReverse[2][from[2]] : 0;
    const std::uint32_t group = kReverse[0][from[0]] | kReverse[1][from[1]] | third;
    const std::uint32_t unused_bits = rest == 3 ? group & 0xFF : group & 0xFFFF;
    write_group(group, rest - 1, to);
    seen |= unused_bits != 0 ? kForeign : group;
  }
  if ((seen & kForeign) != 0) {
    return std::nullopt;
  }
  return size;
}

void base64url_encode(std::span<const std::uint8_t> bytes, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + base64url_size(bytes.size()));
  encode(bytes, kUrlPairs, out.data() + before);
}

void base64_encode(std::span<const std::uint8_t> bytes, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + (bytes.size() + 2) / 3 * 4, '=');
  encode(bytes, kClassicPairs, out.data() + before);
}

}  // namespace keepsake
