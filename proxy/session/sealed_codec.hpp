#pragma once
// Format `sealed`: base64url( 01 | key id 4 | nonce 24 | ciphertext | tag 16 ), XAES-256-GCM, whose
// plaintext is
//
//   01 | id 16 | created u40be | touched u40be | (key size u8 >= 1 | key | value size u16be |
//   value)* | 00...
//
// or, for a session that has a lifetime of its own or is bound to a device (flags: bits 0 and 1),
//
//   02 | id 16 | created u40be | touched u40be | flags u8 | [lifetime u32be] | [binding id 16] |
//   pairs as above | 00...
//
// with keys ascending and unique, all text UTF-8, zero-padded to the next multiple of 32 (lengths
// tell less). Authenticated beside it: "keepsake sealed v1" | 00 | cookie name, and | 00 | binding
// if there is one, so a cookie is worth nothing under another name or host. There is exactly one
// spelling of everything; any other is refused. One object per worker; open() allocates nothing.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "session/codec.hpp"
#include "session/key_ring.hpp"
#include "session/xaes.hpp"

namespace keepsake {

class SealedCodec final : public Codec {
 public:
  // No browser keeps a longer cookie, so none is looked at.
  static constexpr std::size_t kMaxCookie = 4096;

  // The first of `names` is the cookie's, those behind it are former ones, which only open.
  SealedCodec(std::shared_ptr<const KeyRing> keys, const std::vector<std::string>& names,
              Random& random);
  SealedCodec(std::shared_ptr<const KeyRing> keys, std::string_view name, Random& random)
      : SealedCodec(std::move(keys), std::vector<std::string>{std::string{name}}, random) {}
  ~SealedCodec() override;

  using Codec::open;
  Opened open(std::string_view cookie, std::string_view binding, std::size_t name,
              Session& out) override;
  bool knows(std::string_view cookie) override;
  std::size_t seal(const Session& session, std::string_view binding, std::string& out) override;

 private:
  std::string_view aad_for(std::size_t name, std::string_view binding);

  std::shared_ptr<const KeyRing> keys_;
  Random& random_;
  std::vector<Xaes256Gcm> ciphers_;  // one per key of the ring
  struct Aad {
    std::string text;  // the fixed part, and behind it the last binding
    std::size_t fixed;
  };
  std::vector<Aad> aads_;               // by name
  std::vector<std::uint8_t> envelope_;  // decoded or about to be encoded
  std::vector<std::uint8_t> plain_;
};

}  // namespace keepsake
