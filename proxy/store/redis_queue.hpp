#pragma once
// The commands that wait for their replies, oldest first. Called by redis_connection; knows nothing
// of sockets.

#include <cstddef>
#include <string_view>

#include "base/clock.hpp"
#include "io/task.hpp"
#include "store/redis_protocol.hpp"
#include "store/store_breaker.hpp"

namespace keepsake {

// Lives in the frame of the coroutine that asks.
struct PendingCommand {
  std::string_view command;  // or two of them, which nothing may come between
  SteadyTime deadline;       // of the one who asks
  std::size_t replies = 1;
  RedisReply reply{};
  RedisReply second{};       // with two replies
  SteadyTime silent_from{};  // without a reply by then the connection is no good; set by push()
  bool abandoned = false;    // nobody waits for it any more; owned by the queue
  Wakeup done{};
  PendingCommand* next = nullptr;
};

class RedisQueue {
 public:
  RedisQueue() = default;
  ~RedisQueue();
  RedisQueue(const RedisQueue&) = delete;
  RedisQueue& operator=(const RedisQueue&) = delete;

  // Whether one more may wait.
  bool admits(SteadyTime now) const;
  void push(PendingCommand& pending, SteadyTime silent_from);
  PendingCommand* first() const { return first_; }
  std::size_t size() const { return size_; }
  bool is_full() const;
  // Whether the next reply is all that the oldest waits for.
  bool is_last_reply() const { return first_->replies == 1 || first_->reply != nullptr; }
  // When the next of them is late, or the connection too silent.
  SteadyTime due() const;

  // A reply of the oldest, which goes on at once when it has all of them: true then.
  bool answer(RedisReply reply);
  // Those whose time is over go on without a reply. The first `sent` of all keep their places:
  // their replies may still come.
  void fail_late(SteadyTime now, std::size_t sent);
  // None of them gets a reply. A coroutine that asks again at once stands in an empty queue.
  void fail_all(SteadyTime now);
  // The store has shown that it is well.
  void forgive() { breaker_.forgive(); }

 private:
  PendingCommand& pop();
  static void end(PendingCommand& pending);

  PendingCommand* first_ = nullptr;
  PendingCommand* last_ = nullptr;
  std::size_t size_ = 0;
  StoreBreaker breaker_;
};

}  // namespace keepsake
