#include "session/xaes.hpp"

#include <openssl/crypto.h>

#include <cassert>
#include <cstdlib>
#include <cstring>

namespace keepsake {
namespace {

void must(bool done) {
  if (!done) {
    std::abort();
  }
}

// Fetched once per process and kept to its end: a fetch per message costs as much as the
// encryption.
const EVP_CIPHER* fetch(const char* name) {
  const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
  must(cipher != nullptr);
  return cipher;
}

const EVP_CIPHER* aes_256_ecb() {
  static const EVP_CIPHER* const cipher = fetch("AES-256-ECB");
  return cipher;
}

const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* const cipher = fetch("AES-256-GCM");
  return cipher;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Xaes256Gcm::Xaes256Gcm(std::span<const std::uint8_t, kKeySize> key)
    : block_(EVP_CIPHER_CTX_new()), seal_(EVP_CIPHER_CTX_new()), open_(EVP_CIPHER_CTX_new()) {
  must(block_ && seal_ && open_);
  must(EVP_EncryptInit_ex2(block_.get(), aes_256_ecb(), key.data(), nullptr, nullptr) == 1);
  must(EVP_CIPHER_CTX_set_padding(block_.get(), 0) == 1);
  must(EVP_EncryptInit_ex2(seal_.get(), aes_256_gcm(), nullptr, nullptr, nullptr) == 1);
  must(EVP_DecryptInit_ex2(open_.get(), aes_256_gcm(), nullptr, nullptr, nullptr) == 1);

  // CMAC's first subkey (NIST SP 800-38B §6.1): the encrypted zero block doubled in GF(2^128).
  int size = 0;
  must(EVP_EncryptUpdate(block_.get(), subkey_.data(), &size, subkey_.data(),
                         static_cast<int>(subkey_.size())) == 1);
  unsigned carry = 0;
  for (std::size_t i = subkey_.size(); i-- > 0;) {
    const unsigned doubled = static_cast<unsigned>(subkey_[i]) << 1 | carry;
    subkey_[i] = static_cast<std::uint8_t>(doubled);
    carry = doubled >> 8;
  }
  subkey_.back() = static_cast<std::uint8_t>(subkey_.back() ^ (carry * 0x87));
}

std::array<std::uint8_t, Xaes256Gcm::kKeySize> Xaes256Gcm::derive(Nonce nonce) {
  // SP 800-108 in counter mode with CMAC, which for this shape is one block each:
  // AES(subkey ^ (00 01 'X' 00 nonce[:12])) and the same with 02.
  std::array<std::uint8_t, kKeySize> blocks{};
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint8_t* block = blocks.data() + half * 16;
    block[1] = static_cast<std::uint8_t>(half + 1);
    block[2] = 'X';
    std::memcpy(block + 4, nonce.data(), 12);
    for (std::size_t i = 0; i < 16; ++i) {
      block[i] = static_cast<std::uint8_t>(block[i] ^ subkey_[i]);
    }
  }
  int size = 0;
  must(EVP_EncryptUpdate(block_.get(), blocks.data(), &size, blocks.data(),
                         static_cast<int>(blocks.size())) == 1);
  return blocks;
}

void Xaes256Gcm::seal(Nonce nonce, std::string_view aad, std::span<const std::uint8_t> plain,
                      std::span<std::uint8_t> out) {
  assert(out.size() >= plain.size() + kTagSize);
  EVP_CIPHER_CTX* context = seal_.get();
  std::array<std::uint8_t, kKeySize> key = derive(nonce);
  must(EVP_EncryptInit_ex2(context, nullptr, key.data(), nonce.data() + 12, nullptr) == 1);
  OPENSSL_cleanse(key.data(), key.size());
  int size = 0;
  must(aad.empty() || EVP_EncryptUpdate(context, nullptr, &size, bytes_of(aad),
                                        static_cast<int>(aad.size())) == 1);
  must(plain.empty() || EVP_EncryptUpdate(context, out.data(), &size, plain.data(),
                                          static_cast<int>(plain.size())) == 1);
  std::uint8_t* tag = out.data() + plain.size();
  must(EVP_EncryptFinal_ex(context, tag, &size) == 1);
  must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagSize, tag) == 1);
}

bool Xaes256Gcm::open(Nonce nonce, std::string_view aad, std::span<const std::uint8_t> sealed,
                      std::span<std::uint8_t> out) {
  if (sealed.size() < kTagSize || out.size() < sealed.size() - kTagSize) {
    return false;
  }
  const std::span<const std::uint8_t> text = sealed.first(sealed.size() - kTagSize);
  std::array<std::uint8_t, kTagSize> tag{};
  std::memcpy(tag.data(), sealed.data() + text.size(), tag.size());

  EVP_CIPHER_CTX* context = open_.get();
  std::array<std::uint8_t, kKeySize> key = derive(nonce);
  must(EVP_DecryptInit_ex2(context, nullptr, key.data(), nonce.data() + 12, nullptr) == 1);
  OPENSSL_cleanse(key.data(), key.size());
  int size = 0;
  must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagSize, tag.data()) == 1);
  must(aad.empty() || EVP_DecryptUpdate(context, nullptr, &size, bytes_of(aad),
                                        static_cast<int>(aad.size())) == 1);
  must(text.empty() || EVP_DecryptUpdate(context, out.data(), &size, text.data(),
                                         static_cast<int>(text.size())) == 1);
  // The comparison of the tags inside is CRYPTO_memcmp.
  return EVP_DecryptFinal_ex(context, out.data() + text.size(), &size) == 1;
}

}  // namespace keepsake
