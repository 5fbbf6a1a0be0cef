#include "base/wipe.hpp"

#include <openssl/crypto.h>

namespace keepsake {

void wipe(std::string& text) {
  text.resize(text.capacity());
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace keepsake
