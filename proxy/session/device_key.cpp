#include "session/device_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/base64url.hpp"

namespace keepsake {
namespace {

constexpr std::size_t kCoordinate = 32;
constexpr std::uint8_t kUncompressed = 4;
constexpr std::array<std::uint8_t, 3> kExponent{1, 0, 1};

template <auto function>
struct FreeBy {
  template <typename T>
  void operator()(T* object) const {
    function(object);
  }
};
template <typename T, auto function>
using Owned = std::unique_ptr<T, FreeBy<function>>;

using Number = Owned<BIGNUM, BN_free>;
using Builder = Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = Owned<OSSL_PARAM, OSSL_PARAM_free>;
using KeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContext = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using Signature = Owned<ECDSA_SIG, ECDSA_SIG_free>;

Number number_of(DeviceKey::Bytes bytes) {
  return Number{BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr)};
}

// r | s as the DER that OpenSSL takes; empty if it is not a signature at all.
std::vector<std::uint8_t> der_of(DeviceKey::Bytes signature) {
  if (signature.size() != 2 * kCoordinate) {
    return {};
  }
  const Signature pair{ECDSA_SIG_new()};
  Number r = number_of(signature.first(kCoordinate));
  Number s = number_of(signature.subspan(kCoordinate));
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) {
    return {};
  }
  // The pair has taken both.
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  std::vector<std::uint8_t> der(
      static_cast<std::size_t>(std::max(i2d_ECDSA_SIG(pair.get(), nullptr), 0)));
  std::uint8_t* to = der.data();
  return i2d_ECDSA_SIG(pair.get(), &to) > 0 ? der : std::vector<std::uint8_t>{};
}

}  // namespace

std::string_view to_string(DeviceAlgorithm algorithm) {
  return algorithm == DeviceAlgorithm::ES256 ? "ES256" : "RS256";
}

// A key of OpenSSL from its one variable part, checked: a point must be on the curve (SP 800-56A
// 5.6.2.3). Null if it is not good.
DeviceKey::Handle DeviceKey::make(const char* type, const char* name, Bytes bytes) {
  const bool curve = std::string_view{name} == OSSL_PKEY_PARAM_PUB_KEY;
  const Builder builder{OSSL_PARAM_BLD_new()};
  const Number modulus = curve ? nullptr : number_of(bytes);
  const Number exponent = curve ? nullptr : number_of(kExponent);
  if (!builder) {
    return nullptr;
  }
  const bool pushed =
      curve ? OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                              "prime256v1", 0) == 1 &&
                  OSSL_PARAM_BLD_push_octet_string(builder.get(), name, bytes.data(),
                                                   bytes.size()) == 1
            : modulus && exponent &&
                  OSSL_PARAM_BLD_push_BN(builder.get(), name, modulus.get()) == 1 &&
                  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1;
  const Params params{pushed ? OSSL_PARAM_BLD_to_param(builder.get()) : nullptr};
  const KeyContext maker{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
  EVP_PKEY* made = nullptr;
  if (!params || !maker || EVP_PKEY_fromdata_init(maker.get()) != 1 ||
      EVP_PKEY_fromdata(maker.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  Handle handle{made};
  const KeyContext checker{EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr)};
  if (!checker || EVP_PKEY_public_check(checker.get()) != 1) {
    return nullptr;
  }
  return handle;
}

std::optional<DeviceKey> DeviceKey::from_point(Bytes x, Bytes y) {
  if (x.size() != kCoordinate || y.size() != kCoordinate) {
    return std::nullopt;
  }
  std::vector<std::uint8_t> point{kUncompressed};
  point.insert(point.end(), x.begin(), x.end());
  point.insert(point.end(), y.begin(), y.end());
  Handle handle = make("EC", OSSL_PKEY_PARAM_PUB_KEY, point);
  return handle
             ? std::optional{DeviceKey{DeviceAlgorithm::ES256, std::move(handle), std::move(point)}}
             : std::nullopt;
}

std::optional<DeviceKey> DeviceKey::from_modulus(Bytes n, Bytes e) {
  const bool sized = n.size() > kLeastModulus || (n.size() == kLeastModulus && n.front() >= 0x80);
  if (!sized || n.size() > kMostModulus || n.front() == 0 || (n.back() & 1U) == 0 ||
      !std::ranges::equal(e, kExponent)) {
    return std::nullopt;
  }
  Handle handle = make("RSA", OSSL_PKEY_PARAM_RSA_N, n);
  return handle ? std::optional{DeviceKey{DeviceAlgorithm::RS256, std::move(handle),
                                          std::vector<std::uint8_t>{n.begin(), n.end()}}}
                : std::nullopt;
}

std::optional<DeviceKey> DeviceKey::from_bytes(DeviceAlgorithm algorithm, Bytes bytes) {
  if (algorithm == DeviceAlgorithm::RS256) {
    return from_modulus(bytes, kExponent);
  }
  if (algorithm != DeviceAlgorithm::ES256 || bytes.size() != 1 + kCoordinate ||
      (bytes[0] != 2 && bytes[0] != 3)) {
    return std::nullopt;
  }
  Handle handle = make("EC", OSSL_PKEY_PARAM_PUB_KEY, bytes);
  if (!handle) {
    return std::nullopt;
  }
  std::array<std::uint8_t, kCoordinate> x{};
  std::array<std::uint8_t, kCoordinate> y{};
  BIGNUM* coordinates[2] = {nullptr, nullptr};
  const bool read =
      EVP_PKEY_get_bn_param(handle.get(), OSSL_PKEY_PARAM_EC_PUB_X, &coordinates[0]) == 1 &&
      EVP_PKEY_get_bn_param(handle.get(), OSSL_PKEY_PARAM_EC_PUB_Y, &coordinates[1]) == 1;
  const Number first{coordinates[0]};
  const Number second{coordinates[1]};
  if (!read || BN_bn2binpad(first.get(), x.data(), kCoordinate) < 0 ||
      BN_bn2binpad(second.get(), y.data(), kCoordinate) < 0) {
    return std::nullopt;
  }
  std::vector<std::uint8_t> point{kUncompressed};
  point.insert(point.end(), x.begin(), x.end());
  point.insert(point.end(), y.begin(), y.end());
  return DeviceKey{algorithm, std::move(handle), std::move(point)};
}

void DeviceKey::append_to(std::vector<std::uint8_t>& out) const {
  if (algorithm_ == DeviceAlgorithm::RS256) {
    out.insert(out.end(), bytes_.begin(), bytes_.end());
    return;
  }
  out.push_back(static_cast<std::uint8_t>(2 + (bytes_.back() & 1)));  // SEC 1 2.3.3
  out.insert(out.end(), bytes_.begin() + 1, bytes_.begin() + 1 + kCoordinate);
}

bool DeviceKey::verifies(std::string_view text, Bytes signature) const {
  std::vector<std::uint8_t> der;
  if (algorithm_ == DeviceAlgorithm::ES256) {
    der = der_of(signature);
    signature = der;
  } else if (signature.size() != bytes_.size()) {
    return false;
  }
  const DigestContext context{EVP_MD_CTX_new()};
  return !signature.empty() && context &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, handle_.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                          reinterpret_cast<const std::uint8_t*>(text.data()), text.size()) == 1;
}

std::string DeviceKey::thumbprint() const {
  std::string text;
  const Bytes bytes{bytes_};
  if (algorithm_ == DeviceAlgorithm::ES256) {
    text = R"({"crv":"P-256","kty":"EC","x":")";
    base64url_encode(bytes.subspan(1, kCoordinate), text);
    text += R"(","y":")";
    base64url_encode(bytes.subspan(1 + kCoordinate), text);
  } else {
    text = R"({"e":"AQAB","kty":"RSA","n":")";
    base64url_encode(bytes, text);
  }
  text += "\"}";
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), digest.data());
  std::string name;
  base64url_encode(digest, name);
  return name;
}

}  // namespace keepsake
