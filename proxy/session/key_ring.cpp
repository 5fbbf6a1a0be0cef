#include "session/key_ring.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <cassert>
#include <iterator>
#include <memory>
#include <span>
#include <stdexcept>

#include "config/config.hpp"
#include "http/hex.hpp"

namespace keepsake {
namespace {

constexpr std::string_view kKeyInfo = "keepsake sealed v1 key";
constexpr std::string_view kStoreInfo = "keepsake store v1 key";
constexpr std::string_view kIndexInfo = "keepsake index v1 key";
constexpr std::string_view kIdInfo = "keepsake sealed v1 id";

// By FlaskConfig::Digest.
struct Digest {
  const char* name;
  std::size_t size;
};
constexpr Digest kDigests[] = {{"SHA1", 20}, {"SHA256", 32}, {"SHA384", 48}, {"SHA512", 64}};

const Digest& digest_of(const FlaskConfig& flask) {
  return kDigests[static_cast<std::size_t>(flask.digest) % std::size(kDigests)];
}

struct KdfFree {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

OSSL_PARAM octets(const char* name, std::string_view value) {
  // OpenSSL's parameter lists are not const-correct; the derivation only reads.
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(value.data()), value.size());
}

// HKDF-SHA256 (RFC 5869) with an empty salt. Runs at load, where throwing is the way to say no.
void hkdf(std::string_view secret, std::string_view info, std::span<std::uint8_t> out) {
  const std::unique_ptr<EVP_KDF, KdfFree> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const std::unique_ptr<EVP_KDF_CTX, KdfFree> context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  char digest[] = "SHA256";
  const std::array<OSSL_PARAM, 4> params{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      octets(OSSL_KDF_PARAM_KEY, secret), octets(OSSL_KDF_PARAM_INFO, info),
      OSSL_PARAM_construct_end()};
  if (!context || EVP_KDF_derive(context.get(), out.data(), out.size(), params.data()) != 1) {
    throw std::runtime_error("HKDF-SHA256 is not available in this OpenSSL");
  }
}

// key_derivation="hmac" of itsdangerous: the salt is what is signed, the secret is the key.
void flask_key(std::string_view secret, const FlaskConfig& flask, std::span<std::uint8_t> out) {
  const Digest& digest = digest_of(flask);
  unsigned size = 0;
  if (HMAC(EVP_get_digestbyname(digest.name), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(flask.salt.data()), flask.salt.size(), out.data(),
           &size) == nullptr ||
      size != digest.size) {
    throw std::runtime_error(std::string{"HMAC is not available in this OpenSSL with "} +
                             digest.name);
  }
}

}  // namespace

KeyRing::KeyRing(const std::vector<std::string>& secrets) : KeyRing(secrets, FlaskConfig{}) {}

KeyRing::KeyRing(const std::vector<std::string>& secrets, const FlaskConfig& flask)
    : keys_(secrets.size()),
      flask_digest_(digest_of(flask).name),
      flask_size_(digest_of(flask).size) {
  assert(!secrets.empty());
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    hkdf(secrets[i], kKeyInfo, keys_[i].sealing);
    hkdf(secrets[i], kStoreInfo, keys_[i].storing);
    hkdf(secrets[i], kIndexInfo, keys_[i].indexing);
    hkdf(secrets[i], kIdInfo, keys_[i].id);
    flask_key(secrets[i], flask, keys_[i].flask_signing);
  }
}

KeyRing::~KeyRing() {
  OPENSSL_cleanse(keys_.data(), keys_.size() * sizeof(Key));
}

std::optional<std::size_t> KeyRing::find(const KeyId& id, std::size_t from) const {
  for (std::size_t i = from; i < keys_.size(); ++i) {
    if (keys_[i].id == id) {
      return i;
    }
  }
  return std::nullopt;
}

std::string KeyRing::id_hex(std::size_t i) const {
  std::string hex;
  for (const std::uint8_t byte : keys_[i].id) {
    append_hex(byte, kLowerHex, hex);
  }
  return hex;
}

}  // namespace keepsake
