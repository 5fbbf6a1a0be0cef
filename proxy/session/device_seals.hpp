#pragma once
// The three sealed values of a device-bound session. They carry all that Keepsake has to know, so
// that any replica can judge them and nothing is stored:
//
//   identifier  B | created | algorithm | public key     kept by the browser with its key
//   proof       session id | B | expires                 the short-lived cookie NAME-bound
//   challenge   session id | B or zeros | issued | purpose | 8 random bytes      in a header
//
// B is the binding id, which the session itself is marked with. Each kind opens as that kind alone,
// under the session cookie's name alone. Stamps are unix seconds in five bytes, big-endian. One
// object per worker.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "session/device_key.hpp"
#include "session/key_ring.hpp"
#include "session/seal_box.hpp"
#include "session/session.hpp"

namespace keepsake {

using BindingId = std::array<std::uint8_t, 16>;

enum class ChallengePurpose : std::uint8_t { Register = 1, Refresh = 2, Rebind = 3 };

class DeviceSeals {
 public:
  struct Identifier {
    BindingId binding{};
    std::int64_t created = 0;
    std::size_t key_index = 0;  // above 0: sealed under an older secret
    std::optional<DeviceKey> key;
  };
  struct Proof {
    SessionId session{};
    BindingId binding{};
    std::int64_t expires = 0;
  };
  struct Challenge {
    SessionId session{};
    BindingId binding{};  // zeros: none yet
    std::int64_t issued = 0;
    ChallengePurpose purpose = ChallengePurpose::Register;
  };

  // `cookie` is the name of the session cookie.
  DeviceSeals(const std::shared_ptr<const KeyRing>& keys, std::string_view cookie, Random& random);

  // The name of the proof's cookie beside a session cookie: its prefix stays in front.
  static std::string cookie_beside(std::string_view session_cookie);

  // Each appends the sealed text to `out`.
  void seal_identifier(const BindingId& binding, std::int64_t created, const DeviceKey& key,
                       std::string& out);
  void seal_proof(const Proof& proof, std::string& out);
  void seal_challenge(const Challenge& challenge, std::string& out);

  // Nothing for a text that is no value of its kind. Times are the caller's to judge.
  std::optional<Identifier> open_identifier(std::string_view text);
  std::optional<Proof> open_proof(std::string_view text);
  std::optional<Challenge> open_challenge(std::string_view text);

 private:
  SealBox identifiers_;
  SealBox proofs_;
  SealBox challenges_;
  Random& random_;
  std::vector<std::uint8_t> plain_;
};

}  // namespace keepsake
