#pragma once
// For log lines that anybody on the network could cause: lets one through per interval, whichever
// thread asks first.

#include <atomic>

#include "base/clock.hpp"

namespace keepsake {

class Seldom {
 public:
  explicit Seldom(std::chrono::seconds interval = std::chrono::minutes{1}) : interval_(interval) {}

  bool now(SteadyTime time) {
    Ticks due = due_.load(std::memory_order_relaxed);
    return (due == 0 || time.time_since_epoch().count() >= due) &&
           due_.compare_exchange_strong(due, (time + interval_).time_since_epoch().count(),
                                        std::memory_order_relaxed);
  }

 private:
  using Ticks = SteadyTime::rep;
  std::chrono::seconds interval_;
  std::atomic<Ticks> due_{0};
};

}  // namespace keepsake
