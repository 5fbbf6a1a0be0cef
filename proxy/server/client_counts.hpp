#pragma once
// How many connections each client address has open, over all workers: for
// limits.connections_per_client. Asked when a connection opens or closes and only if there is such
// a limit.

#include <cstring>
#include <mutex>
#include <unordered_map>

#include "base/address.hpp"

namespace keepsake {

class ClientCounts {
 public:
  // Counts one more, unless `limit` are open already: then false.
  bool enter(const IpAddress& address, std::size_t limit) {
    const std::lock_guard lock(mutex_);
    std::size_t& count = counts_[address];
    if (count >= limit) {
      return false;
    }
    ++count;
    return true;
  }

  void leave(const IpAddress& address) {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(address);
    if (found != counts_.end() && --found->second == 0) {
      counts_.erase(found);
    }
  }

 private:
  struct Hash {
    std::size_t operator()(const IpAddress& address) const {
      std::size_t halves[2];
      std::memcpy(halves, address.bytes.data(), sizeof halves);
      return halves[0] * 0x9e3779b97f4a7c15U ^ halves[1];
    }
  };
  std::mutex mutex_;
  std::unordered_map<IpAddress, std::size_t, Hash> counts_;  // never more entries than connections
};

}  // namespace keepsake
