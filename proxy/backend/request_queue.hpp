#pragma once
// Requests that wait because every server of their backend has `max_requests` in flight: one queue
// per backend for all workers, first come, first served. A request that finds a free place never
// touches it but for one load; the lock is taken by those that wait and those that call them.
//
// A Waiter lives in the frame of the exchange that waits. It is called (on its own worker's thread)
// when a place may be free, and looks again; it stays counted until it is destroyed, so that
// nobody who comes later passes it by.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "base/clock.hpp"
#include "io/asio.hpp"
#include "io/stream.hpp"
#include "io/task.hpp"

namespace keepsake {

// A list through its members; not a sentinel in sight.
struct WaiterList {
  class QueueWaiter* first = nullptr;
  class QueueWaiter* last = nullptr;
};

class QueueDesk;

class RequestQueue {
 public:
  // Waiting now, called or not. Whoever comes while it is not 0 must queue up.
  std::size_t size() const { return size_.load(); }
  // Calls the first of those who wait: a place may be free. From any thread.
  void call() {
    if (size_.load() != 0) {
      call(1);
    }
  }
  // Many places may be free.
  void call_all() {
    if (size_.load() != 0) {
      call(size_.load());
    }
  }

  // For the metrics: how many requests ever waited, found no room, or waited in vain.
  std::uint64_t waited() const { return waited_.load(std::memory_order_relaxed); }
  std::uint64_t overflowed() const { return overflowed_.load(std::memory_order_relaxed); }
  std::uint64_t timed_out() const { return timed_out_.load(std::memory_order_relaxed); }

 private:
  friend class QueueDesk;
  friend class QueueWaiter;
  void call(std::size_t n);

  std::mutex mutex_;
  WaiterList waiting_;  // in the order of their tickets
  std::uint64_t next_ticket_ = 0;
  std::atomic<std::size_t> size_{0};
  std::atomic<std::uint64_t> waited_{0};
  std::atomic<std::uint64_t> overflowed_{0};
  std::atomic<std::uint64_t> timed_out_{0};
};

// Where one worker's waiters of one queue are called.
class QueueDesk : public std::enable_shared_from_this<QueueDesk> {
 public:
  QueueDesk(asio::io_context& io, std::shared_ptr<RequestQueue> queue)
      : io_(io), queue_(std::move(queue)) {}

  RequestQueue& queue() { return *queue_; }
  // Ends the waiting of those whose time is over or whose client is gone; the worker's sweep calls
  // it, on the worker's thread.
  void sweep(SteadyTime now);

 private:
  friend class RequestQueue;
  friend class QueueWaiter;
  // With the lock: puts a waiter among the called and sees to it that somebody serves them.
  void take(QueueWaiter& waiter);
  void serve();

  asio::io_context& io_;
  std::shared_ptr<RequestQueue> queue_;
  WaiterList called_;  // under the queue's lock
  bool posted_ = false;
};

class QueueWaiter {
 public:
  // `gone`: whether the client has left; it lives as long as the waiter.
  QueueWaiter(QueueDesk& desk, const bool& gone, SteadyTime deadline)
      : desk_(desk), gone_(gone), deadline_(deadline) {}
  // Leaves the queue. A call that was not made use of goes to the next.
  ~QueueWaiter();
  QueueWaiter(const QueueWaiter&) = delete;
  QueueWaiter& operator=(const QueueWaiter&) = delete;

  enum class Joined : std::uint8_t { Full, Behind, First };
  // Takes a number, unless `most` wait already. Whoever is First must look for a free place once
  // more before it waits: one may have come free when there was nobody to call.
  Joined join(std::size_t most);
  // Back to its place in the queue, after a call. Look for a free place after it, for the same
  // reason.
  void rejoin();
  // Suspends until called. Then: over(), or rejoin and look.
  Wakeup& called() { return wakeup_; }
  bool over() const { return timed_out_ || gone_; }

 private:
  friend class RequestQueue;
  friend class QueueDesk;
  enum class Where : std::uint8_t { Nowhere, Queue, Desk };

  QueueDesk& desk_;
  const bool& gone_;
  const SteadyTime deadline_;
  Wakeup wakeup_;
  // Under the queue's lock.
  QueueWaiter* next_ = nullptr;
  QueueWaiter* previous_ = nullptr;
  std::uint64_t ticket_ = 0;
  Where where_ = Where::Nowhere;
  bool holds_call_ = false;  // was called for a free place and has not looked since
  bool timed_out_ = false;
  bool counted_ = false;
  friend void unlink(WaiterList& list, QueueWaiter& waiter);
  friend void insert(WaiterList& list, QueueWaiter& waiter);
};

}  // namespace keepsake
