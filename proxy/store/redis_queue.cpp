#include "store/redis_queue.hpp"

#include <algorithm>
#include <utility>

namespace keepsake {

namespace {

// More than one worker's exchanges can wait for in one timeout of any sane store.
constexpr std::size_t kMaxWaiting = 4096;

}  // namespace

RedisQueue::~RedisQueue() {
  while (first_ != nullptr) {
    PendingCommand& left = pop();
    if (left.abandoned) {
      delete &left;
    }
  }
}

bool RedisQueue::admits(SteadyTime now) const {
  return !is_full() && breaker_.admits(now, size_ == 0);
}

bool RedisQueue::is_full() const {
  return size_ >= kMaxWaiting;
}

void RedisQueue::push(PendingCommand& pending, SteadyTime silent_from) {
  pending.silent_from = silent_from;
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

// Ends its life: its coroutine goes on, or it has none.
void RedisQueue::end(PendingCommand& pending) {
  if (pending.abandoned) {
    delete &pending;
  } else {
    pending.done.wake();
  }
}

SteadyTime RedisQueue::due() const {
  SteadyTime due = first_ != nullptr ? first_->silent_from : SteadyTime::max();
  for (const PendingCommand* each = first_; each != nullptr; each = each->next) {
    due = each->abandoned ? due : std::min(due, each->deadline);
  }
  return due;
}

bool RedisQueue::answer(RedisReply reply) {
  breaker_.forgive();
  if (first_->replies == 2 && !first_->reply) {
    first_->reply = std::move(reply);
    return false;
  }
  PendingCommand& answered = pop();
  (answered.replies == 2 ? answered.second : answered.reply) = std::move(reply);
  end(answered);
  return true;
}

void RedisQueue::fail_late(SteadyTime now, std::size_t sent) {
  PendingCommand* late = nullptr;
  PendingCommand** late_end = &late;
  PendingCommand** link = &first_;
  last_ = nullptr;
  for (std::size_t place = 0; *link != nullptr; ++place) {
    PendingCommand& each = **link;
    if (!each.abandoned && each.deadline <= now) {
      PendingCommand* const after = std::exchange(each.next, nullptr);
      if (place < sent) {
        *link = new PendingCommand{.command = {},
                                   .deadline = each.deadline,
                                   .replies = each.replies,
                                   .reply = std::move(each.reply),
                                   .silent_from = each.silent_from,
                                   .abandoned = true,
                                   .next = after};
      } else {
        *link = after;
        --size_;
      }
      *late_end = &each;
      late_end = &each.next;
      breaker_.note_failures(1, now);
      if (place >= sent) {
        continue;
      }
    }
    last_ = *link;
    link = &(*link)->next;
  }
  while (late != nullptr) {
    PendingCommand& one = *late;
    late = one.next;
    one.reply.reset();
    one.second.reset();
    end(one);
  }
}

void RedisQueue::fail_all(SteadyTime now) {
  PendingCommand* failed = std::exchange(first_, nullptr);
  last_ = nullptr;
  size_ = 0;
  while (failed != nullptr) {
    PendingCommand& one = *failed;
    failed = one.next;
    breaker_.note_failures(one.abandoned ? 0 : 1, now);
    one.reply.reset();
    end(one);
  }
}

}  // namespace keepsake
