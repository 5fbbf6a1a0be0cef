#pragma once
// Durations ("250ms", "30s", "5m", "12h", "31d"), sizes ("512B", "16KiB", "1MiB") and dates as the
// configuration writes them, both ways. Pure text.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keepsake {

// A whole number and one unit; nothing that would not fit 10 000 years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
// In the largest unit that divides it.
std::string format_duration(std::chrono::milliseconds duration);

// A whole number and B, KiB, MiB, GiB or TiB.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t bytes);

// "2025-01-31" (midnight UTC) or RFC 3339 "2025-01-31T12:00:00Z" with any offset; unix seconds.
std::optional<std::int64_t> parse_date(std::string_view text);
std::string format_date(std::int64_t unix_seconds);

}  // namespace keepsake
