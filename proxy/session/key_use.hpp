#pragma once
// How often each key opened a cookie: what tells a person when an old secret may go. One object per
// worker, which alone counts; read by the admin listener. A key keeps its count through reloads.

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "session/key_ring.hpp"

namespace keepsake {

class KeyUse {
 public:
  struct Cell {
    explicit Cell(const KeyId& key) : id(key) {}
    KeyId id;
    std::atomic<std::uint64_t> opened{0};
  };

  // One per key of `ring`, in its order; good for as long as this object is.
  std::vector<Cell*> cells_of(const KeyRing& ring);

  static void count(Cell& cell) {
    cell.opened.store(cell.opened.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  // From any thread.
  std::uint64_t opened(const KeyId& id) const;

 private:
  mutable std::mutex mutex_;  // around the list, not the counts
  std::deque<Cell> cells_;
};

}  // namespace keepsake
