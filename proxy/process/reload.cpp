#include "process/reload.hpp"

namespace keepsake {

std::vector<std::string> keep_what_needs_restart(const Config& running, Config& next) {
  std::vector<std::string> sentences;
  const auto keep = [&sentences](const auto& now, auto& wanted, const std::string& key) {
    if (!(wanted == now)) {
      wanted = now;
      sentences.push_back(key +
                          " was changed in the file; it is applied when keepsake is "
                          "restarted, and stays as it was until then");
    }
  };
  keep(running.workers, next.workers, "workers");
  keep(running.io_uring, next.io_uring, "io_uring");
  return sentences;
}

}  // namespace keepsake
