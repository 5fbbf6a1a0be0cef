#pragma once
// The token buckets of rate_limits: one for each rule and client or session, shared by all workers,
// so that a limit is exact over them. Bounded; the least recently used go, and whoever comes back
// finds a full bucket. Divided into shards with a lock each; only routes with rate_limits ask.

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/clock.hpp"
#include "config/config.hpp"

namespace keepsake {

using Nanos = std::chrono::nanoseconds;

// What is counted in buckets. A nanosecond brings back `requests` of these units and a request
// costs as many as `every` has nanoseconds: no division, and so no rounding. A day for a burst of
// 10^9 needs 77 bits.
__extension__ using TokenUnits = unsigned __int128;

// A RateLimit as arithmetic.
struct RateRule {
  RateRule(const RateLimit& limit, std::uint64_t rule_id);

  RateLimit::Per per;
  std::uint64_t id;        // the same rule of the same route has the same one over reloads
  std::uint64_t per_nano;  // units that come back
  std::uint64_t cost;      // units of one request
  TokenUnits whole;        // units in a full bucket
};

class RateBuckets {
 public:
  // Whose bucket it is: `who` is a session id or what rate_key made of an address.
  struct Key {
    std::uint64_t rule = 0;
    std::array<std::uint8_t, 16> who{};
    bool is_session = false;
    bool operator==(const Key&) const = default;
  };
  using Seed = std::array<std::uint64_t, 2>;

  // `seed` is random: addresses are chosen by clients.
  RateBuckets(std::size_t capacity, const Seed& seed);

  // Takes a token. Zero: there was one; else how long until there is.
  Nanos take(const Key& key, const RateRule& rule, SteadyTime now);
  // Undoes a take.
  void give_back(const Key& key, const RateRule& rule);

  std::size_t capacity() const { return capacity_; }
  std::size_t size() const;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::size_t kShards = 16;

  struct Bucket {
    Key key;
    TokenUnits missing = 0;  // from a full one, at the time `at`
    SteadyTime at;
    std::uint32_t next = kNone;  // of the same slot
    std::uint32_t newer = kNone, older = kNone;
  };
  // Indices instead of pointers: the buckets move as their number grows.
  struct Shard {
    mutable std::mutex mutex;
    std::vector<Bucket> buckets;
    std::vector<std::uint32_t> slots;  // a power of two, by hash
    std::uint32_t newest = kNone, oldest = kNone;
  };

  std::uint64_t hash(const Key& key) const;
  Shard& shard_of(std::uint64_t hash) { return shards_[(hash >> 56U) % used_shards_]; }
  std::uint32_t find(const Shard& shard, const Key& key, std::uint64_t hash) const;
  std::uint32_t add(Shard& shard, const Key& key, std::uint64_t hash, SteadyTime now);
  void grow_slots(Shard& shard);
  static void unlink(Shard& shard, std::uint32_t i);
  static void link_newest(Shard& shard, std::uint32_t i);

  const std::size_t capacity_;
  const std::size_t used_shards_;  // few buckets share one, so that the bound is exact
  const std::size_t per_shard_;
  const Seed seed_;
  std::array<Shard, kShards> shards_;
};

// Two words as one, both halves of their product: every bit of both sides counts.
std::uint64_t mix(std::uint64_t a, std::uint64_t b);

// What counts as one client: an IPv4 address, or the 64-bit network that one IPv6 customer has.
std::array<std::uint8_t, 16> rate_key(const IpAddress& address);

}  // namespace keepsake
