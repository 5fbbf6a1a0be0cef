#pragma once
// A Config as the YAML text that would load to it again, every key written out and every secret
// left out. Called by the admin listener's /config and by `keepsake check`; never prints a secret's
// text or a password.

#include <string>

#include "config/config.hpp"

namespace keepsake {

std::string dump_config(const Config& config);

}  // namespace keepsake
