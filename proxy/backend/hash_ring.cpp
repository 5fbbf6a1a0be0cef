#include "backend/hash_ring.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace keepsake {

namespace {

// Points per unit of weight: the shares of equal servers then differ by about 1/sqrt(128) = 9 %.
constexpr std::size_t kPoints = 128;
// 4 MiB. Only hundreds of servers with large weights come here; they get fewer points each.
constexpr std::size_t kMostPoints = std::size_t{1} << 18U;

}  // namespace

std::uint64_t hash_url(std::string_view url) {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  for (const char c : url) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return mix64(hash);
}

std::uint64_t place_of(const SessionId& id) {
  static_assert(std::endian::native == std::endian::little, "replicas of either kind must agree");
  std::uint64_t halves[2];
  std::memcpy(halves, id.data(), sizeof halves);
  return mix64(halves[0] ^ mix64(halves[1]));
}

HashRing::HashRing(std::span<const ServerConfig> servers) {
  std::size_t weights = 0;
  for (const ServerConfig& server : servers) {
    weights += server.weight;
  }
  std::size_t per_weight = kPoints;
  while (per_weight > 1 && weights * per_weight > kMostPoints) {
    per_weight /= 2;
  }
  points_.reserve(weights * per_weight);
  for (std::uint32_t index = 0; index < servers.size(); ++index) {
    const std::uint64_t seed = hash_url(servers[index].url);
    for (std::size_t i = 0; i < servers[index].weight * per_weight; ++i) {
      points_.push_back({mix64(seed + i * 0x9e3779b97f4a7c15U), index});
    }
  }
  // Two servers on one place: the same one wins everywhere, whatever order they are written in.
  std::sort(points_.begin(), points_.end(), [&servers](const Point& a, const Point& b) {
    return a.place != b.place ? a.place < b.place : servers[a.server].url < servers[b.server].url;
  });
  const std::size_t buckets = std::bit_ceil(std::max<std::size_t>(points_.size(), 2));
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(buckets));
  starts_.reserve(buckets);
  std::size_t at = 0;
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    while (at < points_.size() && (points_[at].place >> shift_) < bucket) {
      ++at;
    }
    starts_.push_back(static_cast<std::uint32_t>(at));
  }
}

std::size_t HashRing::find(std::uint64_t place) const {
  std::size_t at = starts_[place >> shift_];
  while (at < points_.size() && points_[at].place < place) {
    ++at;
  }
  return at == points_.size() ? 0 : at;
}

}  // namespace keepsake
