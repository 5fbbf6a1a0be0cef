#include "config/wipe.hpp"

#include <openssl/crypto.h>

namespace keepsake {

void wipe(std::string& text) {
  text.resize(text.capacity());
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

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
  }
  if (config.admin.token) {
    wipe(config.admin.token->text);
  }
}

}  // namespace keepsake
