#pragma once
// `keepsake run`: from a configuration file to a serving process, and back down in order.

#include <string>

namespace keepsake {

int run_command(const std::string& config_file);

}  // namespace keepsake
