#include "session/key_use.hpp"

#include <algorithm>

namespace keepsake {

std::vector<KeyUse::Cell*> KeyUse::cells_of(const KeyRing& ring) {
  const std::lock_guard lock(mutex_);
  std::vector<Cell*> found;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const KeyId& id = ring.at(i).id;
    const auto known =
        std::find_if(cells_.begin(), cells_.end(), [&](const Cell& cell) { return cell.id == id; });
    found.push_back(known != cells_.end() ? &*known : &cells_.emplace_back(id));
  }
  return found;
}

std::uint64_t KeyUse::opened(const KeyId& id) const {
  const std::lock_guard lock(mutex_);
  const auto known =
      std::find_if(cells_.begin(), cells_.end(), [&](const Cell& cell) { return cell.id == id; });
  return known != cells_.end() ? known->opened.load(std::memory_order_relaxed) : 0;
}

}  // namespace keepsake
