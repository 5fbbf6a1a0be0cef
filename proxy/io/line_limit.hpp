#pragma once
// For warnings that a request can cause: of each kind a number of lines in each span of time,
// whichever thread writes them. The first line after a gap says how many were left out.

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "io/log.hpp"

namespace keepsake {

class LineLimit {
 public:
  static constexpr std::uint32_t kLines = 20;
  static constexpr std::chrono::seconds kSpan{10};

  // Empty: no line now. Else how many were left out since the last one.
  std::optional<std::uint64_t> admit(SteadyTime now) {
    const Ticks time = now.time_since_epoch().count();
    Ticks end = end_.load(std::memory_order_relaxed);
    if (time >= end && end_.compare_exchange_strong(end, (now + kSpan).time_since_epoch().count(),
                                                    std::memory_order_relaxed)) {
      lines_.store(0, std::memory_order_relaxed);
    }
    if (lines_.fetch_add(1, std::memory_order_relaxed) < kLines) {
      return left_out_.exchange(0, std::memory_order_relaxed);
    }
    left_out_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }

 private:
  using Ticks = SteadyTime::rep;
  std::atomic<Ticks> end_{0};  // of the span
  std::atomic<std::uint32_t> lines_{0};
  std::atomic<std::uint64_t> left_out_{0};
};

template <typename... Args>
void log_within(LineLimit& limit, SteadyTime now, spdlog::level::level_enum level,
                fmt::format_string<Args...> format, Args&&... args) {
  if (!spdlog::should_log(level)) {
    return;
  }
  if (const auto left_out = limit.admit(now)) {
    log::log(level, "{}{}", fmt::format(format, std::forward<Args>(args)...),
             *left_out == 0 ? "" : fmt::format(" ({} more like it were not logged)", *left_out));
  }
}

template <typename... Args>
void warn_within(LineLimit& limit, SteadyTime now, fmt::format_string<Args...> format,
                 Args&&... args) {
  log_within(limit, now, spdlog::level::warn, format, std::forward<Args>(args)...);
}

}  // namespace keepsake
