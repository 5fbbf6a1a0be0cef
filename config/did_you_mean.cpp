#include "config/did_you_mean.hpp"

#include <algorithm>
#include <vector>

namespace keepsake {
namespace {

// Edits (a swap of neighbours is one) between two words.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t replace = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U);
      cost[i][j] = std::min({replace, cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : (c == '-' ? '_' : c);
  }
  return out;
}

}  // namespace

std::string did_you_mean(std::string_view word, std::span<const std::string_view> words) {
  const std::string asked = lower(word.substr(0, 64));
  std::string_view best;
  std::size_t least = std::max<std::size_t>(1, asked.size() / 3) + 1;
  for (const std::string_view candidate : words) {
    // A plural, a prefix or another writing of the word is near whatever it costs in edits.
    const std::string other = lower(candidate);
    const bool prefix = asked.size() >= 4 && (other.starts_with(asked) || asked.starts_with(other));
    const std::size_t edits = prefix ? 1 : distance(asked, other);
    if (edits < least) {
      least = edits;
      best = candidate;
    }
  }
  return best.empty() ? std::string{} : "; did you mean \"" + std::string{best} + "\"?";
}

}  // namespace keepsake
