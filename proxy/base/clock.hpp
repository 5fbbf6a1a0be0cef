#pragma once
// The only source of time. Everything that asks what time it is takes a Clock& in its constructor,
// so that tests can turn the hands (tests/support/manual_clock.hpp). Nobody else calls now().

#include <chrono>
#include <cstdint>

namespace keepsake {

using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;
using Millis = std::chrono::milliseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  // Never goes back; for deadlines and durations.
  virtual SteadyTime steady() const = 0;
  // The calendar; for session stamps, Date and log lines.
  virtual WallTime wall() const = 0;
};

// Whole seconds since 1970-01-01T00:00:00Z, the unit of every session stamp.
inline std::int64_t unix_seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// The machine's clocks. Both reads are vDSO calls: about 20 ns, no system call.
class SystemClock final : public Clock {
 public:
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
  WallTime wall() const override { return std::chrono::system_clock::now(); }
};

}  // namespace keepsake
