#pragma once
// Overwrites what must not stay in memory once nobody needs it. For the last owner of a secret.

#include <string>

#include "config/config.hpp"

namespace keepsake {

// The text is gone from its memory afterwards, also from what its capacity holds behind its end.
void wipe(std::string& text);

// Every secret and password of a configuration that nobody uses any more.
void wipe_secrets(Config& config);

}  // namespace keepsake
