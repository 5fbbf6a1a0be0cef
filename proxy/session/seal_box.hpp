#pragma once
// Small sealed values beside the session: base64url( 01 | key id 4 | nonce 24 | ciphertext | tag 16
// ), XAES-256-GCM under the keys of the session cookie. Authenticated beside the bytes are the kind
// of the value and a scope (the name of the session cookie): a value of one kind never opens as
// another kind, nor under another cookie. The owner of a kind decides what the plaintext holds; its
// length is visible. One object per worker and kind.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "session/key_ring.hpp"
#include "session/xaes.hpp"

namespace keepsake {

class SealBox {
 public:
  // What surrounds the plaintext, in bytes before base64url.
  static constexpr std::size_t kOverhead =
      1 + std::tuple_size_v<KeyId> + Xaes256Gcm::kNonceSize + Xaes256Gcm::kTagSize;

  // `kind` is unique in the program and names a version: "keepsake device proof v1".
  SealBox(std::shared_ptr<const KeyRing> keys, std::string_view kind, std::string_view scope,
          Random& random);

  // Appends the sealed form of `plain` to `out`, under the first secret.
  void seal(std::span<const std::uint8_t> plain, std::string& out);

  struct Unsealed {
    std::span<const std::uint8_t> plain;  // valid until the next call
    std::size_t key_index;                // above 0: sealed under an older secret
  };
  // Nothing for a text that is not the one spelling of a value of this kind under one of the keys,
  // or whose plaintext would be longer than `most` bytes.
  std::optional<Unsealed> open(std::string_view text, std::size_t most);

 private:
  std::shared_ptr<const KeyRing> keys_;
  Random& random_;
  std::string authenticated_;  // kind | 00 | scope
  std::vector<Xaes256Gcm> ciphers_;
  std::vector<std::uint8_t> envelope_;
  std::vector<std::uint8_t> plain_;
};

}  // namespace keepsake
