#include "backend/server_addresses.hpp"

#include <algorithm>

namespace keepsake {

namespace {
// Addresses tried for one link: a request does not wait for sixty refusals.
constexpr std::size_t kMostTries = 8;
}  // namespace

void ServerAddresses::set(std::vector<Endpoint> endpoints) {
  std::vector<Address> next;
  next.reserve(endpoints.size());
  for (Endpoint& endpoint : endpoints) {
    const auto known = std::find_if(all_.begin(), all_.end(), [&endpoint](const Address& address) {
      return address.endpoint == endpoint;
    });
    const SteadyTime avoid = known == all_.end() ? SteadyTime::min() : known->avoid_until;
    next.push_back({std::move(endpoint), avoid});
  }
  all_ = std::move(next);
}

bool ServerAddresses::has(const Endpoint& endpoint) const {
  return std::any_of(all_.begin(), all_.end(),
                     [&endpoint](const Address& address) { return address.endpoint == endpoint; });
}

std::vector<Endpoint> ServerAddresses::order(SteadyTime now) {
  std::vector<Endpoint> order;
  for (const Address& address : all_) {
    if (address.avoid_until <= now) {
      order.push_back(address.endpoint);
    }
  }
  const std::size_t good = order.size();
  for (const Address& address : all_) {
    if (address.avoid_until > now) {
      order.push_back(address.endpoint);
    }
  }
  if (const std::size_t turning = good != 0 ? good : order.size()) {
    const auto first = static_cast<std::ptrdiff_t>(next_++ % turning);
    std::rotate(order.begin(), order.begin() + first,
                order.begin() + static_cast<std::ptrdiff_t>(turning));
  }
  order.resize(std::min(order.size(), kMostTries));
  return order;
}

void ServerAddresses::failed(const Endpoint& endpoint, SteadyTime until) {
  for (Address& address : all_) {
    if (address.endpoint == endpoint) {
      address.avoid_until = until;
    }
  }
}

}  // namespace keepsake
