#include "backend/turns.hpp"

#include <algorithm>
#include <numeric>

namespace keepsake {

namespace {
constexpr std::uint64_t kLongestRound = 4096;

std::uint64_t sum_of(const std::vector<std::uint32_t>& weights) {
  return std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
}
}  // namespace

std::vector<std::uint32_t> smooth_turns(std::vector<std::uint32_t> weights) {
  std::uint32_t common = 0;
  for (const std::uint32_t weight : weights) {
    common = std::gcd(common, weight);
  }
  for (std::uint32_t& weight : weights) {
    weight /= std::max(common, 1U);
  }
  if (const std::uint64_t sum = sum_of(weights); sum > kLongestRound) {
    for (std::uint32_t& weight : weights) {
      weight = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, weight * kLongestRound / sum));
    }
  }
  const auto sum = static_cast<std::int64_t>(sum_of(weights));
  std::vector<std::uint32_t> turns;
  turns.reserve(static_cast<std::size_t>(sum));
  if (sum == static_cast<std::int64_t>(weights.size())) {
    turns.resize(weights.size());
    std::iota(turns.begin(), turns.end(), 0U);
    return turns;
  }
  // Everybody earns its weight each turn; the richest has the turn and pays for all.
  std::vector<std::int64_t> credit(weights.size(), 0);
  for (std::int64_t turn = 0; turn < sum; ++turn) {
    std::size_t richest = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      credit[i] += weights[i];
      richest = credit[i] > credit[richest] ? i : richest;
    }
    credit[richest] -= sum;
    turns.push_back(static_cast<std::uint32_t>(richest));
  }
  return turns;
}

std::vector<AliasColumn> alias_table(const std::vector<std::uint32_t>& weights) {
  constexpr std::uint64_t kWhole = std::uint64_t{1} << 32U;
  const std::size_t n = weights.size();
  const std::uint64_t sum = sum_of(weights);
  std::vector<AliasColumn> columns(n);
  std::vector<std::uint64_t> left(n);  // of 2^32 on average, so that each fills a column
  std::vector<std::uint32_t> small, large;
  for (std::uint32_t i = 0; i < n; ++i) {
    left[i] = static_cast<std::uint64_t>(static_cast<double>(weights[i]) * static_cast<double>(n) /
                                         static_cast<double>(sum) * static_cast<double>(kWhole));
    columns[i] = {static_cast<std::uint32_t>(kWhole - 1), i};
    (left[i] < kWhole ? small : large).push_back(i);
  }
  while (!small.empty() && !large.empty()) {
    const std::uint32_t poor = small.back();
    const std::uint32_t rich = large.back();
    small.pop_back();
    columns[poor] = {static_cast<std::uint32_t>(left[poor]), rich};
    left[rich] -= kWhole - left[poor];
    if (left[rich] < kWhole) {
      large.pop_back();
      small.push_back(rich);
    }
  }
  return columns;  // what is left over fills its column but for rounding
}

}  // namespace keepsake
