#include "http/request_id.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "http/hex.hpp"

namespace keepsake {
namespace {

constexpr std::size_t kVersion00Size = 55;

// Lower-case digits only (W3C Trace Context 3.2.2); false otherwise.
bool read_hex(std::string_view text, std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t high = kLowerHex.find(text[2 * i]);
    const std::size_t low = kLowerHex.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
      return false;
    }
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

bool all_zero(std::span<const std::uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

constexpr auto kPairs = [] {
  std::array<std::array<char, 2>, 256> pairs{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    pairs[byte] = {kLowerHex[byte >> 4U], kLowerHex[byte & 15U]};
  }
  return pairs;
}();

// At most 16 bytes: an id, written once per request.
void append_bytes(std::span<const std::uint8_t> bytes, std::string& out) {
  std::array<char, 32> digits;  // NOLINT: filled up to what is appended
  char* to = digits.data();
  for (const std::uint8_t byte : bytes) {
    std::memcpy(to, kPairs[byte].data(), 2);
    to += 2;
  }
  out.append(digits.data(), to);
}

}  // namespace

void append_request_id(std::span<const std::uint8_t, 16> random, std::string& out) {
  append_bytes(random, out);
}

bool valid_request_id(std::string_view id) {
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

std::optional<TraceParent> parse_traceparent(std::string_view field) {
  if (field.size() < kVersion00Size || field[2] != '-' || field[35] != '-' || field[52] != '-') {
    return std::nullopt;
  }
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  TraceParent trace;
  if (!read_hex(field, version) || !read_hex(field.substr(3), trace.trace_id) ||
      !read_hex(field.substr(36), trace.parent_id) || !read_hex(field.substr(53), flags)) {
    return std::nullopt;
  }
  const bool longer = field.size() > kVersion00Size;
  if (version[0] == 0xFF || (longer && (version[0] == 0 || field[kVersion00Size] != '-')) ||
      all_zero(trace.trace_id) || all_zero(trace.parent_id)) {
    return std::nullopt;
  }
  trace.flags = flags[0];
  return trace;
}

void append_traceparent(const TraceParent& trace, std::string& out) {
  out += "00-";
  append_bytes(trace.trace_id, out);
  out += '-';
  append_bytes(trace.parent_id, out);
  out += '-';
  append_hex(trace.flags, kLowerHex, out);
}

}  // namespace keepsake
