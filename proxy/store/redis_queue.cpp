#include "store/redis_queue.hpp"

#include <utility>

namespace keepsake {

namespace {

// More than one worker's exchanges can wait for in one timeout of any sane store.
constexpr std::size_t kMaxWaiting = 4096;
// After so many failures in a row nobody waits for a while; then one at a time tries.
constexpr std::size_t kFailuresToOpen = 5;
constexpr std::chrono::seconds kOpenFor{1};

}  // namespace

bool RedisQueue::admits(SteadyTime now) const {
  if (failures_ >= kFailuresToOpen) {
    return now >= closed_until_ && size_ == 0;
  }
  return size_ < kMaxWaiting;
}

void RedisQueue::push(PendingCommand& pending) {
  (last_ != nullptr ? last_->next : first_) = &pending;
  last_ = &pending;
  ++size_;
}

PendingCommand& RedisQueue::pop() {
  PendingCommand& popped = *first_;
  first_ = popped.next;
  last_ = first_ != nullptr ? last_ : nullptr;
  --size_;
  return popped;
}

void RedisQueue::note_failures(std::size_t count, SteadyTime now) {
  failures_ += count;
  if (count != 0 && failures_ >= kFailuresToOpen) {
    closed_until_ = now + kOpenFor;
  }
}

void RedisQueue::answer(RedisReply reply) {
  PendingCommand& answered = pop();
  failures_ = 0;
  answered.reply = std::move(reply);
  answered.done.wake();  // ends its life
}

void RedisQueue::fail_late(SteadyTime now) {
  while (first_ != nullptr && first_->deadline <= now) {
    PendingCommand& late = pop();
    note_failures(1, now);
    late.done.wake();  // ends its life
  }
}

void RedisQueue::fail_all(SteadyTime now) {
  note_failures(size_, now);
  PendingCommand* failed = std::exchange(first_, nullptr);
  last_ = nullptr;
  size_ = 0;
  while (failed != nullptr) {
    PendingCommand& one = *failed;
    failed = one.next;
    one.done.wake();  // ends its life
  }
}

}  // namespace keepsake
