#include "config/units.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

namespace keepsake {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 5> duration_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 5> size_units{
    {{"TiB", 1ULL << 40}, {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}}};
// 10 000 years, in milliseconds: far from where arithmetic on times could overflow.
constexpr std::uint64_t max_duration = 315'576'000'000'000ULL;

template <std::size_t N>
std::optional<std::uint64_t> parse_units(std::string_view text, const std::array<Unit, N>& units,
                                         std::uint64_t max) {
  std::uint64_t number = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{}) {
    return std::nullopt;
  }
  const std::string_view name = text.substr(static_cast<std::size_t>(stop - text.data()));
  for (const Unit& unit : units) {
    if (unit.name == name) {
      return number <= max / unit.factor ? std::optional{number * unit.factor} : std::nullopt;
    }
  }
  return std::nullopt;
}

template <std::size_t N>
std::string format_units(std::uint64_t number, const std::array<Unit, N>& units,
                         std::string_view zero) {
  if (number == 0) {
    return "0" + std::string{zero};
  }
  for (const Unit& unit : units) {
    if (number % unit.factor == 0) {
      return std::to_string(number / unit.factor) + std::string{unit.name};
    }
  }
  return {};  // the last unit divides everything
}

// Exactly `digits` digits at the front of `text`, taken off.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) {
    return std::nullopt;
  }
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') {
      return std::nullopt;
    }
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

// RFC 3339 5.6: "Z", "+01:00" or "-01:00", to the end of the text; seconds east of UTC.
std::optional<int> take_offset(std::string_view text) {
  if (text == "Z" || text == "z") {
    return 0;
  }
  const int sign = text.starts_with('-') ? -1 : 1;
  if (!take(text, '+') && !take(text, '-')) {
    return std::nullopt;
  }
  const auto hours = take_digits(text, 2);
  if (!hours || !take(text, ':')) {
    return std::nullopt;
  }
  const auto minutes = take_digits(text, 2);
  if (!minutes || !text.empty() || *hours > 23 || *minutes > 59) {
    return std::nullopt;
  }
  return sign * (*hours * 3600 + *minutes * 60);
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto number = parse_units(text, duration_units, max_duration);
  if (!number) {
    return std::nullopt;
  }
  return std::chrono::milliseconds{static_cast<std::int64_t>(*number)};
}

std::string format_duration(std::chrono::milliseconds duration) {
  return format_units(static_cast<std::uint64_t>(duration.count()), duration_units, "s");
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_units(text, size_units, std::numeric_limits<std::uint64_t>::max());
}

std::string format_size(std::uint64_t bytes) {
  return format_units(bytes, size_units, "B");
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, '-')) {
    return std::nullopt;
  }
  const auto month = take_digits(text, 2);
  if (!month || !take(text, '-')) {
    return std::nullopt;
  }
  const auto day = take_digits(text, 2);
  if (!day) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  // Years that format_date writes with four digits, whatever the offset; nothing was before 1970.
  if (!date.ok() || *year < 1970 || *year > 9998) {
    return std::nullopt;
  }
  const std::int64_t midnight =
      std::chrono::seconds{std::chrono::sys_days{date}.time_since_epoch()}.count();
  if (text.empty()) {
    return midnight;
  }
  if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) {
    return std::nullopt;
  }
  const auto hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) {
    return std::nullopt;
  }
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59 || !take(text, ':')) {
    return std::nullopt;
  }
  const auto second = take_digits(text, 2);
  const auto offset = take_offset(text);
  if (!second || *second > 59 || !offset) {
    return std::nullopt;
  }
  return midnight + *hour * 3600 + *minute * 60 + *second - *offset;
}

std::string format_date(std::int64_t unix_seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds{unix_seconds}};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

}  // namespace keepsake
