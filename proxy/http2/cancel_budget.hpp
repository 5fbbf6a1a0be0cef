#pragma once
// How many requests of a connection to a backend may be cancelled: clients that reset what they
// began must not make Keepsake do to the backend what they do to Keepsake (CVE-2023-44487), and a
// server that defends itself ends the connection with the requests of all clients. Servers allow
// 1 000 resets and 33 a second (nghttp2, Node), or fewer.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/clock.hpp"

namespace keepsake {

class CancelBudget {
 public:
  static constexpr std::int64_t kAtOnce = 100;
  static constexpr std::int64_t kPerSecond = 20;

  explicit CancelBudget(SteadyTime now) : counted_(now) {}

  // Whether one more is allowed.
  bool take(SteadyTime now) {
    const std::int64_t millis =
        std::chrono::duration_cast<std::chrono::milliseconds>(now - counted_).count();
    if (millis > 0) {
      left_ = std::min(kAtOnce * kParts, left_ + std::min(millis, kLongest) * kPerSecond);
      counted_ = now;
    }
    if (left_ < kParts) {
      return false;
    }
    left_ -= kParts;
    return true;
  }

 private:
  static constexpr std::int64_t kParts = 1000;  // of one cancel
  static constexpr std::int64_t kLongest = 1000 * kAtOnce;
  std::int64_t left_ = kAtOnce * kParts;
  SteadyTime counted_;
};

}  // namespace keepsake
