#pragma once
// How many connections each client has open, over all workers: for limits.connections_per_client.
// Asked when a connection opens or closes and only if there is such a limit.

#include <array>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "base/address.hpp"

namespace keepsake {

class ClientCounts {
 public:
  ClientCounts();

  // Counts one more, unless `limit` are open already: then false.
  bool enter(const IpAddress& address, std::size_t limit);
  void leave(const IpAddress& address);
  // Where a client stands among the others; another place in each process.
  std::size_t place_of(const IpAddress& address) const;

 private:
  // As rate_limits count: an IPv6 client has a whole /64, and each of its connections may come
  // from another address of it.
  using Key = std::array<std::uint8_t, 16>;
  // Seeded: clients choose their addresses, and must not choose the slots they share.
  struct Hash {
    std::array<std::uint64_t, 2> seed;
    std::size_t operator()(const Key& key) const;
  };

  std::mutex mutex_;
  std::unordered_map<Key, std::size_t, Hash> counts_;  // never more entries than connections
};

}  // namespace keepsake
