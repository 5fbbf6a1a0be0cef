#include "store/store_key.hpp"

#include <openssl/evp.h>

namespace keepsake {

StoreKey store_key(const SessionId& id) {
  StoreKey key{};
  unsigned size = 0;
  EVP_Digest(id.data(), id.size(), key.data(), &size, EVP_sha256(), nullptr);
  return key;
}

void append_store_key(const SessionId& id, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  for (const std::uint8_t byte : store_key(id)) {
    out.push_back(kHex[byte >> 4U]);
    out.push_back(kHex[byte & 15U]);
  }
}

}  // namespace keepsake
