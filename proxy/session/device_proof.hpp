#pragma once
// The JWT by which a browser proves that it holds the key of its device (W3C Device Bound Session
// Credentials, as Chromium sends it): parsed strictly, one spelling of everything. Says nothing of
// whether the challenge is Keepsake's or the signature right: the endpoints ask for that. Pure.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "session/device_key.hpp"

namespace keepsake {

struct DeviceProof {
  static constexpr std::size_t kMostBytes = 2048;  // of the header's value

  DeviceAlgorithm algorithm = DeviceAlgorithm::ES256;
  std::optional<DeviceKey> key;  // `jwk` of the header: of a registration
  std::string challenge;         // `jti`, never empty
  std::string authorization;     // empty if absent
  std::optional<std::string> audience;

  // The text that is signed, and the signature. `text` refers to the parsed value.
  std::string_view text;
  std::vector<std::uint8_t> signature;
};

// A registration brings the key; a refresh is signed by the key that Keepsake knows, so what its
// header says of a key counts for nothing.
enum class DeviceProofKind : std::uint8_t { Registration, Refresh };

// The value of Secure-Session-Response, bare or as a string of RFC 9651. Nothing if it is not what
// a browser may send, with the reason in `why` (static text).
std::optional<DeviceProof> parse_device_proof(std::string_view value, DeviceProofKind kind,
                                              const char*& why);

}  // namespace keepsake
