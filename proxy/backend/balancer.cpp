#include "backend/balancer.hpp"

#include <algorithm>

#include "io/log.hpp"

namespace keepsake {

namespace {

// session_hash: a visitor leaves his server only while it has this many requests of this worker in
// flight and more than twice its share of them. A tighter bound would be a lottery: the number in
// flight varies by its root from chance alone, and a visitor's requests would scatter for nothing.
constexpr std::size_t kFreeLoad = 64;
constexpr std::uint64_t kMostShares = 2;

constexpr std::uint8_t kWhole = 10;

}  // namespace

void Tried::add(const ServerPool& server) {
  if (count_ < servers_.size()) {
    servers_[count_++] = &server;
  }
}

bool Tried::has(const ServerPool& server) const {
  const auto end = servers_.begin() + static_cast<std::ptrdiff_t>(count_);
  return std::find(servers_.begin(), end, &server) != end;
}

Balancer::Balancer(const BackendConfig& config, std::vector<std::shared_ptr<ServerPool>> servers,
                   std::shared_ptr<const HashRing> ring, std::shared_ptr<BackendLoad> load,
                   Random& random, const std::uint64_t& changes)
    : config_(config),
      servers_(std::move(servers)),
      ring_(std::move(ring)),
      load_(std::move(load)),
      random_(random),
      changes_(changes) {
  work_out();
}

void Balancer::work_out() {
  seen_ = changes_;
  usable_.clear();
  spare_.clear();
  for (std::uint32_t i = 0; i < servers_.size(); ++i) {
    const Standing& standing = servers_[i]->standing();
    if (standing.healthy) {
      (standing.ejected ? spare_ : usable_).push_back(i);
    }
  }
  if (usable_.empty()) {
    usable_.swap(spare_);
  }
  weights_.clear();
  tenths_.assign(servers_.size(), 0);
  weight_sum_ = 0;
  for (const std::uint32_t i : usable_) {
    const unsigned weight = config_.servers[i].weight;
    tenths_[i] = servers_[i]->standing().tenths;
    weights_.push_back(weight * tenths_[i]);
    weight_sum_ += weight;
  }
  if (config_.balance == Balance::LeastRequests) {
    columns_ = alias_table(weights_);
  } else {
    turns_ = smooth_turns(weights_);
    next_turn_ = turns_.empty() ? 0 : next_turn_ % turns_.size();
  }
}

bool Balancer::has(const ServerPool& server) const {
  return std::any_of(servers_.begin(), servers_.end(),
                     [&server](const auto& one) { return one.get() == &server; });
}

Choice Balancer::choose(std::optional<std::uint64_t> place, const Tried& tried) {
  if (seen_ != changes_) {
    work_out();
  }
  if (usable_.empty()) {
    return {};
  }
  if (ring_ && place) {
    return choose_by_ring(*place, tried);
  }
  std::size_t first = 0;
  if (usable_.size() > 1) {
    if (config_.balance == Balance::LeastRequests) {
      first = less_busy();
    } else {
      first = turns_[next_turn_];
      next_turn_ = next_turn_ + 1 == turns_.size() ? 0 : next_turn_ + 1;
    }
  }
  return choose_from(first, tried);
}

// Of two that are drawn by weight the one with fewer requests for its weight; as drawn if they are
// even, so that idle servers share by weight, too.
std::size_t Balancer::less_busy() {
  const std::uint64_t random = random_.next_u64();
  const std::uint32_t one = draw(columns_, static_cast<std::uint32_t>(random));
  std::uint32_t two = draw(columns_, static_cast<std::uint32_t>(random >> 32U));
  if (two == one) {
    two = one + 1 == usable_.size() ? 0 : one + 1;
  }
  const std::uint64_t load_one = at(one).in_flight() * std::uint64_t{weights_[two]};
  const std::uint64_t load_two = at(two).in_flight() * std::uint64_t{weights_[one]};
  return load_two < load_one ? two : one;
}

// A server that starts slowly gets its visitors back a tenth at a time, always the same ones first.
bool Balancer::admits(std::size_t server, std::uint64_t place) const {
  return tenths_[server] == kWhole ||
         (tenths_[server] != 0 &&
          mix64(place ^ hash_url(servers_[server]->url())) % kWhole < tenths_[server]);
}

Choice Balancer::choose_by_ring(std::uint64_t place, const Tried& tried) {
  std::size_t point = ring_->find(place);
  const std::uint64_t shares = kMostShares * (load_->in_flight + 1);
  const std::size_t most_steps = std::min(ring_->size(), 8 * servers_.size());
  for (std::size_t step = 0; step < most_steps; ++step, point = ring_->next(point)) {
    const std::size_t server = (*ring_)[point].server;
    if (!admits(server, place)) {
      continue;
    }
    ServerPool& pool = *servers_[server];
    const std::size_t busy = pool.in_flight();
    const bool crowded =
        busy >= kFreeLoad && busy * weight_sum_ >= shares * config_.servers[server].weight;
    if (crowded || tried.has(pool)) {
      continue;
    }
    if (Slot slot = pool.enter()) {
      return {Choice::Verdict::Server, std::move(slot)};
    }
  }
  // Everybody is crowded, full, tried or starting slowly: any will do, but the same for the same
  // place.
  return choose_from(place % usable_.size(), tried);
}

Choice Balancer::choose_from(std::size_t first, const Tried& tried) {
  Choice choice{Choice::Verdict::Tried, {}};
  const auto take = [&choice, &tried](ServerPool& server) {
    if (tried.has(server)) {
      return false;
    }
    choice.slot = server.enter();
    choice.verdict = choice.slot ? Choice::Verdict::Server : Choice::Verdict::Full;
    return choice.verdict == Choice::Verdict::Server;
  };
  std::size_t i = first;
  do {
    if (take(at(i))) {
      return choice;
    }
    i = i + 1 == usable_.size() ? 0 : i + 1;
  } while (i != first);
  if (choice.verdict == Choice::Verdict::Tried) {
    for (const std::uint32_t spare : spare_) {
      if (take(*servers_[spare])) {
        break;
      }
    }
  }
  return choice;
}

void Balancer::count_failure(ServerPool& server, SteadyTime now) {
  if (!server.count_failure()) {
    return;
  }
  const bool others = std::any_of(servers_.begin(), servers_.end(), [&server](const auto& other) {
    return other.get() != &server && other->standing().healthy && !other->standing().ejected;
  });
  if (others) {
    server.eject(now);
  }
}

}  // namespace keepsake
