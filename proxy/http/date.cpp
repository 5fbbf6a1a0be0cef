#include "http/date.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <string_view>

namespace keepsake {

void append_http_date(std::int64_t unix_seconds, std::string& out) {
  using namespace std::chrono;
  constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr std::int64_t kFirst = sys_seconds{sys_days{year{1} / 1 / 1}}.time_since_epoch().count();
  constexpr std::int64_t kPast =
      sys_seconds{sys_days{year{10000} / 1 / 1}}.time_since_epoch().count();

  const sys_seconds time{seconds{std::clamp(unix_seconds, kFirst, kPast - 1)}};
  const sys_days day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  fmt::format_to(std::back_inserter(out), "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                 kDays[weekday{day}.c_encoding()], unsigned{date.day()},
                 kMonths[unsigned{date.month()} - 1], int{date.year()}, clock.hours().count(),
                 clock.minutes().count(), clock.seconds().count());
}

}  // namespace keepsake
