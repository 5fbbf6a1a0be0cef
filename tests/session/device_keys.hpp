#pragma once
// Private keys for tests, and what a browser sends that holds one: JWTs in the form of Chromium.

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base64url.hpp"

namespace keepsake::test {

inline std::string url(std::string_view text) {
  std::string out;
  base64url_encode({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, out);
  return out;
}

inline std::string url_number(const BIGNUM* number, int size = 0) {
  std::vector<std::uint8_t> bytes(
      static_cast<std::size_t>(size != 0 ? size : BN_num_bytes(number)));
  BN_bn2binpad(number, bytes.data(), static_cast<int>(bytes.size()));
  std::string out;
  base64url_encode(bytes, out);
  return out;
}

class TestKey {
 public:
  // The P-256 key whose private part is SHA-256(seed) modulo the order.
  static TestKey ec(std::string_view seed) {
    std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const std::uint8_t*>(seed.data()), seed.size(), digest.data());
    EC_GROUP* group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    BN_CTX* context = BN_CTX_new();
    BIGNUM* d = BN_bin2bn(digest.data(), static_cast<int>(digest.size()), nullptr);
    BN_nnmod(d, d, EC_GROUP_get0_order(group), context);
    EC_POINT* point = EC_POINT_new(group);
    EC_POINT_mul(group, point, d, nullptr, nullptr, context);
    std::array<std::uint8_t, 65> bytes{};
    EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, bytes.data(), bytes.size(),
                       context);
    OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, bytes.data(), bytes.size());
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, d);
    OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX* maker = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
    EVP_PKEY* key = nullptr;
    EVP_PKEY_fromdata_init(maker);
    EVP_PKEY_fromdata(maker, &key, EVP_PKEY_KEYPAIR, params);
    EVP_PKEY_CTX_free(maker);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EC_POINT_free(point);
    BN_free(d);
    BN_CTX_free(context);
    EC_GROUP_free(group);
    return TestKey{key};
  }
  static TestKey rsa(unsigned bits) { return TestKey{EVP_RSA_gen(bits)}; }

  TestKey(TestKey&& other) noexcept : key_(std::exchange(other.key_, nullptr)) {}
  TestKey(const TestKey&) = delete;
  TestKey& operator=(const TestKey&) = delete;
  ~TestKey() { EVP_PKEY_free(key_); }

  bool is_ec() const { return EVP_PKEY_is_a(key_, "EC") == 1; }

  std::string number(const char* name, int size = 0) const {
    BIGNUM* number = nullptr;
    EVP_PKEY_get_bn_param(key_, name, &number);
    std::string out = url_number(number, size);
    BN_free(number);
    return out;
  }
  std::string x() const { return number(OSSL_PKEY_PARAM_EC_PUB_X, 32); }
  std::string y() const { return number(OSSL_PKEY_PARAM_EC_PUB_Y, 32); }

  std::string jwk() const {
    return is_ec() ? R"({"crv":"P-256","kty":"EC","x":")" + x() + R"(","y":")" + y() + R"("})"
                   : R"({"e":"AQAB","kty":"RSA","n":")" + number(OSSL_PKEY_PARAM_RSA_N) + R"("})";
  }

  // Of the text, as a JWT carries it: r | s, or RSA's bytes.
  std::vector<std::uint8_t> sign(std::string_view text) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_);
    std::size_t size = 0;
    const auto* from = reinterpret_cast<const std::uint8_t*>(text.data());
    EVP_DigestSign(context, nullptr, &size, from, text.size());
    std::vector<std::uint8_t> bytes(size);
    EVP_DigestSign(context, bytes.data(), &size, from, text.size());
    bytes.resize(size);
    EVP_MD_CTX_free(context);
    if (is_ec()) {
      const std::uint8_t* der = bytes.data();
      ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(bytes.size()));
      std::vector<std::uint8_t> raw(64);
      BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw.data(), 32);
      BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw.data() + 32, 32);
      ECDSA_SIG_free(pair);
      return raw;
    }
    return bytes;
  }

  std::string jwt(std::string_view header, std::string_view claims) const {
    std::string text = url(header) + '.' + url(claims);
    std::string signature;
    base64url_encode(sign(text), signature);
    return text + '.' + signature;
  }
  const char* algorithm() const { return is_ec() ? "ES256" : "RS256"; }
  std::string registration(std::string_view challenge) const {
    return jwt(
        std::string{R"({"alg":")"} + algorithm() + R"(","jwk":)" + jwk() + R"(,"typ":"dbsc+jwt"})",
        R"({"jti":")" + std::string{challenge} + R"("})");
  }
  std::string refresh(std::string_view challenge) const {
    return jwt(std::string{R"({"alg":")"} + algorithm() + R"(","typ":"dbsc+jwt"})",
               R"({"jti":")" + std::string{challenge} + R"("})");
  }

 private:
  explicit TestKey(EVP_PKEY* key) : key_(key) {
    if (key == nullptr) {
      throw std::runtime_error("no key");
    }
  }
  EVP_PKEY* key_;
};

}  // namespace keepsake::test
