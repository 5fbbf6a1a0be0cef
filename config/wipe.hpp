#pragma once
// Overwrites what must not stay in memory once nobody needs it. For the last owner of a secret.

#include "base/wipe.hpp"
#include "config/config.hpp"

namespace keepsake {

// Every secret and password of a configuration that nobody uses any more.
void wipe_secrets(Config& config);

}  // namespace keepsake
