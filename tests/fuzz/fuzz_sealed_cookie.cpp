// The sealed format against arbitrary bytes: as a cookie, as an envelope, and, because no fuzzer
// forges a tag, as a plaintext that is sealed with the right key first. What opens must have been
// the only spelling of what it says.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base64url.hpp"
#include "fuzz.hpp"
#include "session/sealed_codec.hpp"

namespace {

using namespace keepsake;
using fuzz::must;

constexpr std::uint8_t kNonceByte = 7;

class ConstantRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), kNonceByte); }
};

struct World {
  std::shared_ptr<const KeyRing> keys = std::make_shared<const KeyRing>(
      std::vector<std::string>{"a-secret-for-the-fuzzer-0123456789abcdef", "another"});
  ConstantRandom random;
  SealedCodec codec{keys, "session", random};
  Xaes256Gcm cipher{keys->at(0).sealing};
  Session session;

  // Whatever opens is sealed to the same text again (the nonce is always the same here).
  bool check(std::string_view cookie, bool nonce_is_ours) {
    const Opened opened = codec.open(cookie, "", session);
    if (opened.status != OpenStatus::Ok) {
      must(session.empty() && !session.has_id && session.codec_state.empty());
      must(!session.lifetime && !session.binding);
      return false;
    }
    std::string again;
    must(codec.seal(session, "", again) == again.size());
    must(!nonce_is_ours || again == cookie);
    return true;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  const std::span<const std::uint8_t> input(data, size);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  world.check(text, false);

  std::string cookie;
  base64url_encode(input, cookie);
  world.check(cookie, false);
  std::vector<std::uint8_t> decoded(size);
  must(base64url_decode(cookie, decoded) == size);
  must(std::equal(decoded.begin(), decoded.end(), data, data + size));
  if (const auto bytes = base64url_decode(text, decoded)) {
    std::string spelling;
    base64url_encode(std::span(decoded).first(*bytes), spelling);
    must(spelling == text);
  }

  if (size > 2048) {
    return 0;
  }
  const KeyId& id = world.keys->at(0).id;
  std::vector<std::uint8_t> envelope{1};
  envelope.insert(envelope.end(), id.begin(), id.end());
  const std::vector<std::uint8_t> nonce(Xaes256Gcm::kNonceSize, kNonceByte);
  envelope.insert(envelope.end(), nonce.begin(), nonce.end());
  for (const bool pad : {false, true}) {
    std::vector<std::uint8_t> plain(data, data + size);
    if (pad) {  // helps the fuzzer over the one condition that it rarely meets
      plain.resize((size + 31) / 32 * 32, 0);
    }
    std::vector<std::uint8_t> sealed(plain.size() + Xaes256Gcm::kTagSize);
    world.cipher.seal(Xaes256Gcm::Nonce(nonce), std::string_view("keepsake sealed v1\0session", 26),
                      plain, sealed);
    std::vector<std::uint8_t> whole = envelope;
    whole.insert(whole.end(), sealed.begin(), sealed.end());
    cookie.clear();
    base64url_encode(whole, cookie);
    world.check(cookie, true);
  }
  return 0;
}
