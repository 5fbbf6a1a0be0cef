#include "config/wipe.hpp"

namespace keepsake {

void wipe_secrets(Config& config) {
  for (Secret& secret : config.session.secrets) {
    wipe(secret.text);
  }
  for (BackendConfig& backend : config.backends) {
    if (backend.assertion) {
      wipe(backend.assertion->text);
    }
  }
  if (config.session.redis) {
    wipe(config.session.redis->password);
    wipe(config.session.redis->sentinel_password);
  }
  if (config.admin.token) {
    wipe(config.admin.token->text);
  }
}

}  // namespace keepsake
