#include "backend/turns.hpp"

#include <algorithm>
#include <numeric>

#include "support/catch.hpp"

using namespace keepsake;

using Weights = std::vector<std::uint32_t>;

TEST_CASE("a round gives each server its weight, spread out", "[backend][turns]") {
  const auto [weights, turns] = GENERATE(table<Weights, Weights>({
      {{}, {}},
      {{7}, {0}},
      {{1, 1, 1}, {0, 1, 2}},
      {{10, 10}, {0, 1}},
      {{5, 1, 1}, {0, 0, 1, 0, 2, 0, 0}},
      {{2, 1}, {0, 1, 0}},
      {{10, 1}, {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}},
      {{30, 20, 10}, {0, 1, 0, 2, 1, 0}},
  }));
  CHECK(smooth_turns(weights) == turns);
}

TEST_CASE("a round stays short and leaves nobody out, whatever the weights", "[backend][turns]") {
  Weights weights(100, 1);
  weights[7] = 9'999;
  weights[8] = 10'007;
  const Weights turns = smooth_turns(weights);
  CHECK(turns.size() < 5000);
  for (std::uint32_t i = 0; i < weights.size(); ++i) {
    CHECK(std::count(turns.begin(), turns.end(), i) >= 1);
  }
  const auto seven = static_cast<double>(std::count(turns.begin(), turns.end(), 7U));
  const auto eight = static_cast<double>(std::count(turns.begin(), turns.end(), 8U));
  CHECK(seven / eight == Approx(1.0).margin(0.02));
}

TEST_CASE("draws from an alias table follow the weights", "[backend][turns]") {
  const Weights weights = GENERATE(Weights{1}, Weights{1, 1}, Weights{1, 3}, Weights{5, 1, 1, 93},
                                   Weights(100, 10), Weights{1, 10'000});
  const std::vector<AliasColumn> columns = alias_table(weights);
  std::vector<double> drawn(weights.size());
  constexpr std::uint32_t kDraws = 1'000'000;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    drawn[draw(columns, i * 4295U)] += 1.0 / kDraws;  // evenly over all 32-bit numbers
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    CHECK(drawn[i] == Approx(weights[i] / sum).margin(0.001));
  }
}
