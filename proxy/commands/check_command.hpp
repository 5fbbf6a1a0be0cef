#pragma once
// `keepsake check`: the whole truth about a configuration file, without starting anything.

#include <string>

namespace keepsake {

int check_command(const std::string& config_file);

}  // namespace keepsake
