#pragma once
// The circle of `balance: session_hash`: every server has points on it, a session goes to the
// server of the first point at or after its own place. Made once per configuration from nothing but
// the servers' URLs and weights, so that every worker and every replica makes the same one; a
// server's points depend on no other server, so that one more or one less moves only its own
// visitors. Immutable; shared by all workers.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "session/session.hpp"

namespace keepsake {

// Where a session stands on the circle.
std::uint64_t place_of(const SessionId& id);

// Spreads whatever pattern its input has over all 64 bits (the finalizer of SplitMix64).
constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

// A number of the server's own, the same everywhere.
std::uint64_t hash_url(std::string_view url);

class HashRing {
 public:
  explicit HashRing(std::span<const ServerConfig> servers);

  struct Point {
    std::uint64_t place;
    std::uint32_t server;  // index
  };
  // The first point at or after `place`; next() goes on around the circle.
  std::size_t find(std::uint64_t place) const;
  std::size_t next(std::size_t at) const { return at + 1 == points_.size() ? 0 : at + 1; }
  const Point& operator[](std::size_t at) const { return points_[at]; }
  std::size_t size() const { return points_.size(); }

 private:
  std::vector<Point> points_;  // sorted
  // By the topmost bits of a place: the first point at or after the least such place.
  std::vector<std::uint32_t> starts_;
  unsigned shift_ = 63;
};

}  // namespace keepsake
