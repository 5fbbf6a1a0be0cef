#pragma once
// The rests between attempts to reach a store. Part of redis_core and of redis_cluster.

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <coroutine>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "io/asio.hpp"

namespace keepsake {

class StoreRest {
 public:
  struct Wait {
    asio::steady_timer& timer;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      timer.async_wait([waiter](const error_code&) { waiter.resume(); });
    }
    void await_resume() const {}
  };

  StoreRest(asio::io_context& io, Random& random) : timer_(io), random_(random) {}

  // After one more attempt that failed: each rest is double the one before and then cut by up to a
  // half, so that many proxies do not knock at the same moment.
  Wait after_failure() {
    const Millis whole = std::min(kLongest, kFirst * (1U << std::min(failed_, 10U)));
    ++failed_;
    return pause(whole - whole * static_cast<int>(random_.next_u64() % 512) / 1024);
  }
  Wait pause(SteadyTime::duration time) {
    timer_.expires_after(time);
    return Wait{timer_};
  }
  void forgive() { failed_ = 0; }
  // Ends the one under way.
  void cancel() { timer_.cancel(); }

 private:
  static constexpr Millis kFirst{50};
  static constexpr Millis kLongest{1000};

  asio::steady_timer timer_;
  Random& random_;
  unsigned failed_ = 0;  // in a row
};

}  // namespace keepsake
