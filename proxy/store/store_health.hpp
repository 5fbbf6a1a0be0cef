#pragma once
// What all workers together know of a store that other machines run: whether it can be asked, and
// which of its troubles the log has heard of lately. Written by redis_connection and redis_store,
// read by /readyz. Never on the path of an exchange that goes well.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/clock.hpp"

namespace keepsake {

enum class StoreTrouble : std::uint8_t {
  Unreachable,  // no connection
  Lost,         // a connection broke
  Silent,       // no answer in time
  Login,        // user or password
  Full,         // maxmemory
  ReadOnly,     // a replica
  Loading,      // it has just been started
  Disk,         // it cannot save and therefore does not write
  Forbidden,    // its access list
  Unreadable,   // a value that no configured secret opens
  Other,
  Count
};

class StoreHealth {
 public:
  // A worker's connection begins its life down.
  void down() { down_.fetch_add(1, std::memory_order_relaxed); }
  // True for the last of them that came up: the moment to say so.
  bool up() { return down_.fetch_sub(1, std::memory_order_relaxed) == 1; }
  // The store answers, but does not do what it is asked.
  void refused(SteadyTime now) {
    refused_until_.store((now + kRefusalLasts).time_since_epoch().count(),
                         std::memory_order_relaxed);
  }

  bool degraded(SteadyTime now) const {
    return down_.load(std::memory_order_relaxed) != 0 ||
           now.time_since_epoch().count() < refused_until_.load(std::memory_order_relaxed);
  }

  // Whether to log this trouble now: once in a while for all workers together.
  bool may_log(StoreTrouble trouble, SteadyTime now) {
    std::atomic<Ticks>& next = next_log_[static_cast<std::size_t>(trouble)];
    Ticks due = next.load(std::memory_order_relaxed);
    const Ticks ticks = now.time_since_epoch().count();
    return (due == 0 || ticks >= due) &&
           next.compare_exchange_strong(due, (now + kBetweenLines).time_since_epoch().count(),
                                        std::memory_order_relaxed);
  }

 private:
  using Ticks = SteadyTime::rep;
  static constexpr std::chrono::seconds kRefusalLasts{10};
  static constexpr std::chrono::seconds kBetweenLines{10};

  std::atomic<int> down_{0};
  std::atomic<Ticks> refused_until_{0};
  std::array<std::atomic<Ticks>, static_cast<std::size_t>(StoreTrouble::Count)> next_log_{};
};

}  // namespace keepsake
