#pragma once
// Base64 in its two alphabets (RFC 4648 §4 and §5). Decoding takes the url alphabet only and is
// strict: no padding, no white space, no stray bits in the last character, so that bytes have one
// spelling. Called by the cookie codecs, the header encoder and keygen.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace keepsake {

// Characters that `size` bytes take, without padding.
constexpr std::size_t base64url_size(std::size_t size) {
  return (size * 4 + 2) / 3;
}

// Bytes that `size` characters can hold at most.
constexpr std::size_t base64url_decoded_size(std::size_t size) {
  return size / 4 * 3 + size % 4 * 3 / 4;
}

// Decodes into `out` and returns the number of bytes; nothing if `text` is not the canonical
// spelling of any bytes, or if they do not fit. `out` may be written to even then.
std::optional<std::size_t> base64url_decode(std::string_view text, std::span<std::uint8_t> out);

// Appends the unpadded url form of `bytes` to `out`.
void base64url_encode(std::span<const std::uint8_t> bytes, std::string& out);

// Appends the padded classic form of `bytes` to `out`: what header values and Basic credentials
// use.
void base64_encode(std::span<const std::uint8_t> bytes, std::string& out);

}  // namespace keepsake
