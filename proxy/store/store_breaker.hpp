#pragma once
// Keeps exchanges from waiting for a store that answered none of the last ones. Part of redis_queue
// and of redis_replicas.

#include <cstddef>

#include "base/clock.hpp"

namespace keepsake {

class StoreBreaker {
 public:
  // Whether one more may try: after three failures in a row none for a second, and then one at a
  // time. `alone`: none is trying.
  bool admits(SteadyTime now, bool alone) const {
    return failures_ < kFailuresToOpen || (now >= closed_until_ && alone);
  }
  void note_failures(std::size_t count, SteadyTime now) {
    failures_ += count;
    if (count != 0 && failures_ >= kFailuresToOpen) {
      closed_until_ = now + kOpenFor;
    }
  }
  // The store has shown that it is well.
  void forgive() { failures_ = 0; }

 private:
  static constexpr std::size_t kFailuresToOpen = 3;
  static constexpr std::chrono::seconds kOpenFor{1};

  std::size_t failures_ = 0;  // in a row
  SteadyTime closed_until_{};
};

}  // namespace keepsake
