#pragma once
// The ids that join a request's traces: X-Request-Id and the traceparent of W3C Trace Context. Pure
// text; the random bytes come from the caller.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace keepsake {

// 32 lower-case hexadecimal digits.
void append_request_id(std::span<const std::uint8_t, 16> random, std::string& out);

// Whether an id that a trusted peer sent may be kept: 1 to 128 of A-Z a-z 0-9 . _ -
bool valid_request_id(std::string_view id);

struct TraceParent {
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> parent_id{};
  std::uint8_t flags = 0;
  friend bool operator==(const TraceParent&, const TraceParent&) = default;
};

// Version 00 exactly; of a later version the part that version 00 knows. Empty for zero ids, upper
// case, version ff and everything else malformed.
std::optional<TraceParent> parse_traceparent(std::string_view field);

// As version 00.
void append_traceparent(const TraceParent& trace, std::string& out);

}  // namespace keepsake
