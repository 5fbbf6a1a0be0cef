#include "backend/request_queue.hpp"

namespace keepsake {

void unlink(WaiterList& list, QueueWaiter& waiter) {
  (waiter.previous_ != nullptr ? waiter.previous_->next_ : list.first) = waiter.next_;
  (waiter.next_ != nullptr ? waiter.next_->previous_ : list.last) = waiter.previous_;
  waiter.next_ = waiter.previous_ = nullptr;
}

// By ticket, looked for from the end: who comes anew belongs there.
void insert(WaiterList& list, QueueWaiter& waiter) {
  QueueWaiter* before = list.last;
  while (before != nullptr && before->ticket_ > waiter.ticket_) {
    before = before->previous_;
  }
  waiter.previous_ = before;
  waiter.next_ = before != nullptr ? before->next_ : list.first;
  (waiter.next_ != nullptr ? waiter.next_->previous_ : list.last) = &waiter;
  (before != nullptr ? before->next_ : list.first) = &waiter;
}

void RequestQueue::call(std::size_t n) {
  const std::lock_guard lock(mutex_);
  for (; n > 0 && waiting_.first != nullptr; --n) {
    QueueWaiter& waiter = *waiting_.first;
    waiter.holds_call_ = true;
    waiter.desk_.take(waiter);
  }
}

void QueueDesk::take(QueueWaiter& waiter) {
  unlink(queue_->waiting_, waiter);
  insert(called_, waiter);
  waiter.where_ = QueueWaiter::Where::Desk;
  if (!posted_) {
    posted_ = true;
    asio::post(io_, [self = shared_from_this()] { self->serve(); });
  }
}

// Each may be destroyed by what it does next, and what it does may call others: one at a time.
void QueueDesk::serve() {
  std::unique_lock lock(queue_->mutex_);
  posted_ = false;
  while (QueueWaiter* waiter = called_.first) {
    unlink(called_, *waiter);
    waiter->where_ = QueueWaiter::Where::Nowhere;
    lock.unlock();
    waiter->wakeup_.wake();
    lock.lock();
  }
}

void QueueDesk::sweep(SteadyTime now) {
  if (queue_->size() == 0) {
    return;
  }
  const std::lock_guard lock(queue_->mutex_);
  QueueWaiter* next = nullptr;
  for (QueueWaiter* waiter = queue_->waiting_.first; waiter != nullptr; waiter = next) {
    next = waiter->next_;
    if (&waiter->desk_ != this) {
      continue;
    }
    waiter->timed_out_ = waiter->deadline_ <= now;
    if (waiter->over()) {
      take(*waiter);
    }
  }
}

QueueWaiter::Joined QueueWaiter::join(std::size_t most) {
  RequestQueue& queue = *desk_.queue_;
  const std::lock_guard lock(queue.mutex_);
  if (queue.size_ >= most) {
    queue.overflowed_.fetch_add(1, std::memory_order_relaxed);
    return Joined::Full;
  }
  queue.size_.fetch_add(1);
  queue.waited_.fetch_add(1, std::memory_order_relaxed);
  counted_ = true;
  ticket_ = queue.next_ticket_++;
  insert(queue.waiting_, *this);
  where_ = Where::Queue;
  return queue.waiting_.first == this ? Joined::First : Joined::Behind;
}

void QueueWaiter::rejoin() {
  RequestQueue& queue = *desk_.queue_;
  const std::lock_guard lock(queue.mutex_);
  holds_call_ = false;
  insert(queue.waiting_, *this);
  where_ = Where::Queue;
}

QueueWaiter::~QueueWaiter() {
  if (!counted_) {
    return;
  }
  RequestQueue& queue = *desk_.queue_;
  bool pass_on = false;
  {
    const std::lock_guard lock(queue.mutex_);
    if (where_ == Where::Queue) {
      unlink(queue.waiting_, *this);
    } else if (where_ == Where::Desk) {
      unlink(desk_.called_, *this);
    }
    if (timed_out_) {
      queue.timed_out_.fetch_add(1, std::memory_order_relaxed);
    }
    pass_on = holds_call_;
    queue.size_.fetch_sub(1);
  }
  if (pass_on) {
    queue.call();
  }
}

}  // namespace keepsake
