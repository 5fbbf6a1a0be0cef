#pragma once
// How busy a backend and its servers are, beside what each worker's ServerPool knows by itself.

#include <atomic>
#include <cstddef>

#include "backend/request_queue.hpp"

namespace keepsake {

// Requests in flight at one server, all workers together. Touched only with max_requests.
class alignas(64) ServerLoad {
 public:
  // One more, unless there are `most` already. Never more, not even for a moment: a try that had to
  // be taken back could turn away another one.
  bool enter(std::size_t most) {
    std::size_t now = in_flight_.load();
    while (now < most) {
      if (in_flight_.compare_exchange_weak(now, now + 1)) {
        return true;
      }
    }
    return false;
  }
  void leave() { in_flight_.fetch_sub(1); }

 private:
  std::atomic<std::size_t> in_flight_{0};
};

// One worker's share of one backend.
struct BackendLoad {
  BackendLoad(asio::io_context& io, std::shared_ptr<RequestQueue> queue)
      : desk(std::make_shared<QueueDesk>(io, std::move(queue))) {}

  std::size_t in_flight = 0;  // at all of its servers, from this worker
  const std::shared_ptr<QueueDesk> desk;
};

}  // namespace keepsake
