#pragma once
// XAES-256-GCM (C2SP): AES-256-GCM under a key derived afresh from the first half of a 192-bit
// nonce, so that nonces may be drawn at random for 2^80 messages. One object per key and thread: it
// keeps keyed cipher contexts, which makes an operation three times cheaper than fetching and
// allocating them.

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace keepsake {

class Xaes256Gcm {
 public:
  static constexpr std::size_t kKeySize = 32;
  static constexpr std::size_t kNonceSize = 24;
  static constexpr std::size_t kTagSize = 16;
  using Nonce = std::span<const std::uint8_t, kNonceSize>;

  explicit Xaes256Gcm(std::span<const std::uint8_t, kKeySize> key);

  // Writes ciphertext and tag: plain.size() + kTagSize bytes, for which `out` has room. `out` may
  // start where `plain` starts. Aborts if OpenSSL fails, which only a broken installation makes it
  // do.
  void seal(Nonce nonce, std::string_view aad, std::span<const std::uint8_t> plain,
            std::span<std::uint8_t> out);

  // Writes sealed.size() - kTagSize bytes to `out`. False if the tag is missing, short or wrong:
  // what is in `out` then means nothing and must not be looked at.
  bool open(Nonce nonce, std::string_view aad, std::span<const std::uint8_t> sealed,
            std::span<std::uint8_t> out);

 private:
  struct ContextFree {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  using Context = std::unique_ptr<EVP_CIPHER_CTX, ContextFree>;

  std::array<std::uint8_t, kKeySize> derive(Nonce nonce);

  Context block_;  // AES-256-ECB under the long-lived key
  Context seal_;   // AES-256-GCM, re-keyed per message
  Context open_;
  std::array<std::uint8_t, 16> subkey_{};  // CMAC's K1
};

}  // namespace keepsake
