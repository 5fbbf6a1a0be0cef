#include "routing/client_counts.hpp"

#include <cstring>

#include "base/random.hpp"
#include "routing/rate_buckets.hpp"

namespace keepsake {

namespace {

std::array<std::uint64_t, 2> draw_seed() {
  Random random;
  return {random.next_u64(), random.next_u64()};
}

}  // namespace

ClientCounts::ClientCounts() : counts_(0, Hash{draw_seed()}) {}

std::size_t ClientCounts::Hash::operator()(const Key& key) const {
  std::uint64_t halves[2];
  std::memcpy(halves, key.data(), sizeof halves);
  return mix(mix(halves[0] ^ seed[0], halves[1] ^ seed[1]), seed[1]);
}

std::size_t ClientCounts::place_of(const IpAddress& address) const {
  return counts_.hash_function()(rate_key(address));
}

bool ClientCounts::enter(const IpAddress& address, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  const auto [entry, fresh] = counts_.try_emplace(rate_key(address), 0);
  if (entry->second >= limit) {
    return false;  // an entry that is fresh has none, and a limit is never 0
  }
  ++entry->second;
  return true;
}

void ClientCounts::leave(const IpAddress& address) {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(rate_key(address));
  if (found != counts_.end() && --found->second == 0) {
    counts_.erase(found);
  }
}

}  // namespace keepsake
