#include "routing/rate_buckets.hpp"

#include <algorithm>
#include <cstring>

namespace keepsake {

namespace {

// One shard below this many buckets: an uneven spread over sixteen would evict too early.
constexpr std::size_t kFew = 4096;

}  // namespace

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

RateRule::RateRule(const RateLimit& limit, std::uint64_t rule_id)
    : per(limit.per),
      id(rule_id),
      per_nano(std::max(1U, limit.requests)),
      cost(static_cast<std::uint64_t>(Nanos{limit.every}.count())),
      whole(TokenUnits{cost} * (limit.burst != 0 ? limit.burst : per_nano)) {}

RateBuckets::RateBuckets(std::size_t capacity, const Seed& seed)
    : capacity_(capacity),
      used_shards_(capacity < kFew ? 1 : kShards),
      per_shard_(std::max<std::size_t>(1, capacity / used_shards_)),
      seed_(seed) {}

std::uint64_t RateBuckets::hash(const Key& key) const {
  std::uint64_t halves[2];
  std::memcpy(halves, key.who.data(), sizeof halves);
  const std::uint64_t who = mix(halves[0] ^ seed_[0], halves[1] ^ seed_[1]);
  return mix(who ^ seed_[1], key.rule ^ seed_[0] ^ (key.is_session ? 1U : 0U));
}

std::uint32_t RateBuckets::find(const Shard& shard, const Key& key, std::uint64_t hash) const {
  if (shard.slots.empty()) {
    return kNone;
  }
  std::uint32_t i = shard.slots[hash & (shard.slots.size() - 1)];
  while (i != kNone && !(shard.buckets[i].key == key)) {
    i = shard.buckets[i].next;
  }
  return i;
}

void RateBuckets::unlink(Shard& shard, std::uint32_t i) {
  const Bucket& bucket = shard.buckets[i];
  (bucket.newer == kNone ? shard.newest : shard.buckets[bucket.newer].older) = bucket.older;
  (bucket.older == kNone ? shard.oldest : shard.buckets[bucket.older].newer) = bucket.newer;
}

void RateBuckets::link_newest(Shard& shard, std::uint32_t i) {
  Bucket& bucket = shard.buckets[i];
  bucket.newer = kNone;
  bucket.older = shard.newest;
  (shard.newest == kNone ? shard.oldest : shard.buckets[shard.newest].newer) = i;
  shard.newest = i;
}

void RateBuckets::grow_slots(Shard& shard) {
  shard.slots.assign(std::max<std::size_t>(64, shard.slots.size() * 2), kNone);
  for (std::uint32_t i = 0; i < shard.buckets.size(); ++i) {
    std::uint32_t& slot = shard.slots[hash(shard.buckets[i].key) & (shard.slots.size() - 1)];
    shard.buckets[i].next = slot;
    slot = i;
  }
}

// A full bucket for somebody new, in place of the one that was not used for longest if need be.
std::uint32_t RateBuckets::add(Shard& shard, const Key& key, std::uint64_t hash, SteadyTime now) {
  std::uint32_t i = shard.oldest;
  if (shard.buckets.size() < per_shard_) {
    if (shard.buckets.size() >= shard.slots.size()) {
      grow_slots(shard);
    }
    i = static_cast<std::uint32_t>(shard.buckets.size());
    shard.buckets.emplace_back();
  } else {
    unlink(shard, i);
    const std::uint64_t old = this->hash(shard.buckets[i].key);
    std::uint32_t* at = &shard.slots[old & (shard.slots.size() - 1)];
    while (*at != i) {
      at = &shard.buckets[*at].next;
    }
    *at = shard.buckets[i].next;
  }
  std::uint32_t& slot = shard.slots[hash & (shard.slots.size() - 1)];
  shard.buckets[i].key = key;
  shard.buckets[i].missing = 0;
  shard.buckets[i].at = now;
  shard.buckets[i].next = slot;
  slot = i;
  link_newest(shard, i);
  return i;
}

Nanos RateBuckets::take(const Key& key, const RateRule& rule, SteadyTime now) {
  const std::uint64_t h = hash(key);
  Shard& shard = shard_of(h);
  const std::lock_guard lock(shard.mutex);
  std::uint32_t i = find(shard, key, h);
  if (i == kNone) {
    i = add(shard, key, h, now);
  } else if (i != shard.newest) {
    unlink(shard, i);
    link_newest(shard, i);
  }
  Bucket& bucket = shard.buckets[i];
  if (now > bucket.at) {
    const auto passed = static_cast<std::uint64_t>(Nanos{now - bucket.at}.count());
    const TokenUnits back = TokenUnits{passed} * rule.per_nano;
    bucket.missing -= std::min(bucket.missing, back);
    bucket.at = now;
  }
  const TokenUnits after = bucket.missing + rule.cost;
  if (after > rule.whole) {
    const TokenUnits wait = (after - rule.whole + rule.per_nano - 1) / rule.per_nano;
    return Nanos{static_cast<Nanos::rep>(wait)};
  }
  bucket.missing = after;
  return Nanos::zero();
}

void RateBuckets::give_back(const Key& key, const RateRule& rule) {
  const std::uint64_t h = hash(key);
  Shard& shard = shard_of(h);
  const std::lock_guard lock(shard.mutex);
  if (const std::uint32_t i = find(shard, key, h); i != kNone) {
    Bucket& bucket = shard.buckets[i];
    bucket.missing -= std::min<TokenUnits>(bucket.missing, rule.cost);
  }
}

std::size_t RateBuckets::size() const {
  std::size_t sum = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    sum += shard.buckets.size();
  }
  return sum;
}

std::array<std::uint8_t, 16> rate_key(const IpAddress& address) {
  std::array<std::uint8_t, 16> key = address.bytes;
  if (!address.is_v4()) {
    std::fill(key.begin() + 8, key.end(), std::uint8_t{0});
  }
  return key;
}

}  // namespace keepsake
