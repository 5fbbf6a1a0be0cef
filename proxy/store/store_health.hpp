#pragma once
// What all workers together know of a store that other machines run: whether it can be asked, which
// of its troubles there were and which the log has heard of lately. Written by redis_connection and
// redis_store, read by /readyz and /metrics. Never on the path of an exchange that goes well.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/clock.hpp"

namespace keepsake {

enum class StoreTrouble : std::uint8_t {
  Unreachable,  // no connection
  Lost,         // a connection broke
  Silent,       // no answer in time
  Tls,          // the handshake failed
  Login,        // user or password
  Full,         // maxmemory
  ReadOnly,     // a replica
  Loading,      // it has just been started
  NoMaster,     // the Sentinels name none
  Cluster,      // one of several servers that share the keys
  ClusterDown,  // and too many of them are gone
  Replicas,     // too few of them have a write
  Disk,         // it cannot save and therefore does not write
  Forbidden,    // its access list
  Unreadable,   // a value that no configured secret opens
  Busy,         // more commands wait than may
  Other,
  Count
};
inline constexpr std::size_t kStoreTroubles = static_cast<std::size_t>(StoreTrouble::Count);

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

  // One more of this trouble. Whether to log it now: once in a while for all workers together.
  bool note(StoreTrouble trouble, SteadyTime now) {
    counts_[static_cast<std::size_t>(trouble)].fetch_add(1, std::memory_order_relaxed);
    std::atomic<Ticks>& next = next_log_[static_cast<std::size_t>(trouble)];
    Ticks due = next.load(std::memory_order_relaxed);
    const Ticks ticks = now.time_since_epoch().count();
    return (due == 0 || ticks >= due) &&
           next.compare_exchange_strong(due, (now + kBetweenLines).time_since_epoch().count(),
                                        std::memory_order_relaxed);
  }
  std::uint64_t count(StoreTrouble trouble) const {
    return counts_[static_cast<std::size_t>(trouble)].load(std::memory_order_relaxed);
  }

  // Which server is used, and why that one: a line for people, without a secret.
  void set_server(std::string text) {
    const std::lock_guard lock(mutex_);
    server_ = std::move(text);
  }
  std::string server() const {
    const std::lock_guard lock(mutex_);
    return server_;
  }

 private:
  using Ticks = SteadyTime::rep;
  static constexpr std::chrono::seconds kRefusalLasts{10};
  static constexpr std::chrono::seconds kBetweenLines{10};

  std::atomic<int> down_{0};
  std::atomic<Ticks> refused_until_{0};
  std::array<std::atomic<Ticks>, kStoreTroubles> next_log_{};
  std::array<std::atomic<std::uint64_t>, kStoreTroubles> counts_{};
  mutable std::mutex mutex_;
  std::string server_;
};

}  // namespace keepsake
