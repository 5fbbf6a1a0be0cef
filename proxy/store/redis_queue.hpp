#pragma once
// The commands that wait for their replies, oldest first, and the breaker that keeps exchanges from
// waiting for a store that answered nobody lately. Called by redis_connection; knows nothing of
// sockets.

#include <cstddef>
#include <string_view>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "store/redis_protocol.hpp"

namespace keepsake {

// Lives in the frame of whoever asks.
struct PendingCommand {
  std::string_view command;
  SteadyTime deadline;
  RedisReply reply{};
  Wakeup done{};
  PendingCommand* next = nullptr;
};

class RedisQueue {
 public:
  // Whether one more may wait.
  bool admits(SteadyTime now) const;
  void push(PendingCommand& pending);
  PendingCommand* first() const { return first_; }
  std::size_t size() const { return size_; }

  // The reply of the oldest, which goes on at once.
  void answer(RedisReply reply);
  // Those at the front whose time is over get no reply. None of them has been sent.
  void fail_late(SteadyTime now);
  // None of them gets a reply. Who asks again at once stands in an empty queue.
  void fail_all(SteadyTime now);
  // The store has shown that it is well.
  void forgive() { failures_ = 0; }

 private:
  PendingCommand& pop();
  void note_failures(std::size_t count, SteadyTime now);

  PendingCommand* first_ = nullptr;
  PendingCommand* last_ = nullptr;
  std::size_t size_ = 0;
  std::size_t failures_ = 0;  // in a row
  SteadyTime closed_until_{};
};

}  // namespace keepsake
