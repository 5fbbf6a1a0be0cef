#pragma once
// What Balancer works out from the weights of the servers that can be used: pure functions.

#include <cstdint>
#include <vector>

namespace keepsake {

// One round of smooth weighted round robin: every index as often as its weight says, spread as
// evenly as can be. Weights are divided by what they have in common; a round that would still be
// longer than some thousand turns is shortened, nobody's share below one turn.
std::vector<std::uint32_t> smooth_turns(std::vector<std::uint32_t> weights);

// A table for drawing an index by weight in one step (Walker's alias method): a draw picks a column
// evenly, and in it the column's own index if another draw of 32 bits is below `keep`, else
// `other`.
struct AliasColumn {
  std::uint32_t keep;
  std::uint32_t other;
};
std::vector<AliasColumn> alias_table(const std::vector<std::uint32_t>& weights);

// The index that 32 random bits draw from it.
inline std::uint32_t draw(const std::vector<AliasColumn>& columns, std::uint32_t random) {
  const std::uint64_t scaled = std::uint64_t{random} * columns.size();
  const auto column = static_cast<std::uint32_t>(scaled >> 32U);
  return static_cast<std::uint32_t>(scaled) < columns[column].keep ? column : columns[column].other;
}

}  // namespace keepsake
