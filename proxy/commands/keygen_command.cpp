#include "commands/keygen_command.hpp"

#include <openssl/crypto.h>

#include <array>
#include <iostream>

#include "base/base64url.hpp"
#include "base/random.hpp"
#include "process/exit_code.hpp"

namespace keepsake {

int keygen_command() {
  std::array<std::uint8_t, 32> key{};
  Random{}.fill(key);
  std::string text;
  text.reserve(64);
  base64url_encode(key, text);
  std::cout << text << std::endl;
  OPENSSL_cleanse(key.data(), key.size());
  OPENSSL_cleanse(text.data(), text.size());
  return std::cout ? kFine : kFailed;
}

}  // namespace keepsake
