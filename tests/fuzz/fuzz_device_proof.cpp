// Any bytes as a browser's JWT and as the sealed values beside it: no crash, and what is taken has
// a key, a challenge and a signature.

#include <cstdlib>

#include "fuzz.hpp"
#include "session/device_proof.hpp"
#include "session/device_seals.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace keepsake;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  for (const DeviceProofKind kind : {DeviceProofKind::Registration, DeviceProofKind::Refresh}) {
    const char* why = nullptr;
    const auto proof = parse_device_proof(text, kind, why);
    if (why == nullptr || (proof.has_value() != (why[0] == '\0'))) {
      std::abort();
    }
    if (proof && (proof->challenge.empty() || proof->signature.empty() ||
                  proof->key.has_value() != (kind == DeviceProofKind::Registration))) {
      std::abort();
    }
    if (proof && proof->key) {
      static_cast<void>(proof->key->verifies(proof->text, proof->signature));
      static_cast<void>(proof->key->thumbprint());
    }
  }
  static Random random;
  static DeviceSeals seals{std::make_shared<const KeyRing>(std::vector<std::string>{
                               "a secret of more than 32 bytes, for this"}),
                           "session", random};
  if (seals.open_proof(text) || seals.open_challenge(text) || seals.open_identifier(text)) {
    std::abort();  // forged
  }
  return 0;
}
