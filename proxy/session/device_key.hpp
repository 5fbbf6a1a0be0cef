#pragma once
// The public key of a device, which a browser made in the device's own store, and the two
// signatures that Keepsake accepts from it (RFC 7518 3.3, 3.4). The algorithm belongs to the key:
// no message chooses it. OpenSSL does the arithmetic.

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keepsake {

enum class DeviceAlgorithm : std::uint8_t { ES256 = 1, RS256 = 2 };
std::string_view to_string(DeviceAlgorithm algorithm);  // "ES256", "RS256"

class DeviceKey {
 public:
  using Bytes = std::span<const std::uint8_t>;

  // RS256: what a key may take, so that verifying one stays cheap.
  static constexpr std::size_t kLeastModulus = 2048 / 8;
  static constexpr std::size_t kMostModulus = 4096 / 8;
  // The longest form that append_to() writes.
  static constexpr std::size_t kMostBytes = 1 + kMostModulus;

  // A point of P-256 by its coordinates, 32 bytes each. Nothing if it is not on the curve.
  static std::optional<DeviceKey> from_point(Bytes x, Bytes y);
  // An RSA key of 2048 to 4096 bits, big-endian without leading zeros, with the exponent 65537.
  static std::optional<DeviceKey> from_modulus(Bytes n, Bytes e);
  // The form that append_to() wrote.
  static std::optional<DeviceKey> from_bytes(DeviceAlgorithm algorithm, Bytes bytes);

  DeviceAlgorithm algorithm() const { return algorithm_; }

  // ES256: the compressed point, 33 bytes; RS256: the modulus.
  void append_to(std::vector<std::uint8_t>& out) const;

  // Whether `signature` (ES256: r | s, 64 bytes) is this key's of `text`, under SHA-256.
  bool verifies(std::string_view text, Bytes signature) const;

  // The name of the key, RFC 7638 in base64url, for people: it says nothing about the key.
  std::string thumbprint() const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  using Handle = std::unique_ptr<EVP_PKEY, Free>;

  DeviceKey(DeviceAlgorithm algorithm, Handle handle, std::vector<std::uint8_t> point)
      : algorithm_(algorithm), handle_(std::move(handle)), bytes_(std::move(point)) {}
  static Handle make(const char* type, const char* name, Bytes bytes);

  DeviceAlgorithm algorithm_;
  Handle handle_;
  std::vector<std::uint8_t> bytes_;  // the point as 04 | x | y, or the modulus
};

}  // namespace keepsake
