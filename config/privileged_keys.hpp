#pragma once
// Which session keys mean "signed in": those that session.privileged lists, that of
// session.index, and those that a route requires. Asked once per configuration.

#include <string>
#include <vector>

#include "config/config.hpp"

namespace keepsake {

// Each key once. None with format: flask, which has no session id that could be renewed.
std::vector<std::string> privileged_keys(const Config& config);

}  // namespace keepsake
