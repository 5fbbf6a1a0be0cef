#include "backend/balancer.hpp"

namespace keepsake {

namespace {
bool was_tried(std::uint64_t tried, std::size_t index) {
  return index < 64 && ((tried >> index) & 1U) != 0;
}
}  // namespace

ServerPool* Balancer::choose(SteadyTime now, std::uint64_t tried, std::size_t& index) {
  const std::size_t count = servers_.size();
  ServerPool* fallback = nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = (next_ + i) % count;
    if (was_tried(tried, at)) {
      continue;
    }
    ServerPool& server = *servers_[at];
    if (!server.ejected(now)) {
      next_ = at + 1;
      index = at;
      return &server;
    }
    if (fallback == nullptr) {
      fallback = &server;
      index = at;
    }
  }
  return fallback;
}

}  // namespace keepsake
