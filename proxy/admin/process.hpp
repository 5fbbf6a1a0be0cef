#pragma once
// The process as the system sees it: what it must not leak, how many descriptors it may have, what
// it uses. Called by `keepsake run` at start and on reload, and by /metrics.

#include <cstdint>
#include <optional>
#include <string>

#include "config/config.hpp"

namespace keepsake {

// No core file and no debugger of the same user gets at keys and sessions; a client that went away
// is an error code, not a signal.
void harden_process();

// Raises the descriptor limit to what limits.connections needs. Where the hard limit is lower,
// limits.connections is lowered to what fits, and the sentence to warn with comes back.
std::optional<std::string> fit_descriptors(Config& config);

struct ProcessFigures {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t max_descriptors = 0;
};

ProcessFigures process_figures();

}  // namespace keepsake
