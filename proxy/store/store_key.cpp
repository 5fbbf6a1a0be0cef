#include "store/store_key.hpp"

#include <openssl/evp.h>

#include "http/hex.hpp"

namespace keepsake {

StoreKey store_key(const SessionId& id) {
  StoreKey key{};
  unsigned size = 0;
  EVP_Digest(id.data(), id.size(), key.data(), &size, EVP_sha256(), nullptr);
  return key;
}

void append_store_key(const SessionId& id, std::string& out) {
  append_store_key(store_key(id), out);
}

void append_store_key(const StoreKey& key, std::string& out) {
  for (const std::uint8_t byte : key) {
    append_hex(byte, kLowerHex, out);
  }
}

std::optional<StoreKey> parse_store_key(std::string_view hex) {
  StoreKey key{};
  if (hex.size() != 2 * key.size() || hex.find_first_not_of(kLowerHex) != std::string_view::npos) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<std::uint8_t>(hex_value(hex[2 * i]) * 16 + hex_value(hex[2 * i + 1]));
  }
  return key;
}

}  // namespace keepsake
