#pragma once
// What a reload may change in a running process and what it may not. Called by the control loop
// between loading a file and giving it to the server.

#include <string>
#include <vector>

#include "config/config.hpp"

namespace keepsake {

// Puts the settings that only a start can apply back to what runs, so that `next` never says
// anything that is not so. Returns one sentence per setting that the file changed.
std::vector<std::string> keep_what_needs_restart(const Config& running, Config& next);

}  // namespace keepsake
