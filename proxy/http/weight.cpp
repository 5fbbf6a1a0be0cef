#include "http/weight.hpp"

#include "http/chars.hpp"

namespace keepsake {

std::optional<unsigned> read_weight(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t end = parameters.find(';');
    const std::string_view parameter = trim(parameters.substr(0, end));
    parameters.remove_prefix(end == std::string_view::npos ? parameters.size() : end + 1);
    if (!equals_lower(parameter.substr(0, 2), "q=")) {
      continue;
    }
    const std::string_view q = parameter.substr(2);
    if (q.empty() || q.size() > 5 || (q[0] != '0' && q[0] != '1') ||
        (q.size() > 1 && q[1] != '.')) {
      return std::nullopt;
    }
    unsigned weight = q[0] == '1' ? 1000 : 0;
    unsigned scale = 100;
    for (const char c : q.substr(q.size() > 1 ? 2 : 1)) {
      if (c < '0' || c > '9') {
        return std::nullopt;
      }
      weight += scale * static_cast<unsigned>(c - '0');
      scale /= 10;
    }
    return weight > 1000 ? std::nullopt : std::optional{weight};
  }
  return 1000;
}

}  // namespace keepsake
