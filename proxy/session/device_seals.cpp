#include "session/device_seals.hpp"

#include <algorithm>
#include <span>

namespace keepsake {
namespace {

constexpr std::size_t kStamp = 5;
constexpr std::size_t kId = 16;
constexpr std::size_t kProof = 2 * kId + kStamp;
constexpr std::size_t kNoise = 8;
constexpr std::size_t kChallenge = 2 * kId + kStamp + 1 + kNoise;
constexpr std::size_t kKeyAt = kId + kStamp + 1;

void append_stamp(std::int64_t stamp, std::vector<std::uint8_t>& to) {
  for (int shift = 32; shift >= 0; shift -= 8) {
    to.push_back(static_cast<std::uint8_t>(stamp >> shift & 0xFF));
  }
}

std::int64_t stamp_at(std::span<const std::uint8_t> plain, std::size_t at) {
  std::int64_t stamp = 0;
  for (const std::uint8_t byte : plain.subspan(at, kStamp)) {
    stamp = stamp << 8 | byte;
  }
  return stamp;
}

template <std::size_t size>
void read_id(std::span<const std::uint8_t> plain, std::size_t at,
             std::array<std::uint8_t, size>& id) {
  std::ranges::copy(plain.subspan(at, size), id.begin());
}

}  // namespace

DeviceSeals::DeviceSeals(const std::shared_ptr<const KeyRing>& keys, std::string_view cookie,
                         Random& random)
    : identifiers_(keys, "keepsake device identifier v1", cookie, random),
      proofs_(keys, "keepsake device proof v1", cookie, random),
      challenges_(keys, "keepsake device challenge v1", cookie, random),
      random_(random) {}

std::string DeviceSeals::cookie_beside(std::string_view session_cookie) {
  return std::string{session_cookie} + "-bound";
}

void DeviceSeals::seal_identifier(const BindingId& binding, std::int64_t created,
                                  const DeviceKey& key, std::string& out) {
  plain_.assign(binding.begin(), binding.end());
  append_stamp(created, plain_);
  plain_.push_back(static_cast<std::uint8_t>(key.algorithm()));
  key.append_to(plain_);
  identifiers_.seal(plain_, out);
}

void DeviceSeals::seal_proof(const Proof& proof, std::string& out) {
  plain_.assign(proof.session.begin(), proof.session.end());
  plain_.insert(plain_.end(), proof.binding.begin(), proof.binding.end());
  append_stamp(proof.expires, plain_);
  proofs_.seal(plain_, out);
}

void DeviceSeals::seal_challenge(const Challenge& challenge, std::string& out) {
  plain_.assign(challenge.session.begin(), challenge.session.end());
  plain_.insert(plain_.end(), challenge.binding.begin(), challenge.binding.end());
  append_stamp(challenge.issued, plain_);
  plain_.push_back(static_cast<std::uint8_t>(challenge.purpose));
  plain_.resize(kChallenge);
  random_.fill(std::span{plain_}.last(kNoise));
  challenges_.seal(plain_, out);
}

std::optional<DeviceSeals::Identifier> DeviceSeals::open_identifier(std::string_view text) {
  const auto opened = identifiers_.open(text, kKeyAt + DeviceKey::kMostBytes);
  if (!opened || opened->plain.size() <= kKeyAt) {
    return std::nullopt;
  }
  Identifier identifier;
  read_id(opened->plain, 0, identifier.binding);
  identifier.created = stamp_at(opened->plain, kId);
  identifier.key_index = opened->key_index;
  identifier.key = DeviceKey::from_bytes(static_cast<DeviceAlgorithm>(opened->plain[kKeyAt - 1]),
                                         opened->plain.subspan(kKeyAt));
  return identifier.key ? std::optional{std::move(identifier)} : std::nullopt;
}

std::optional<DeviceSeals::Proof> DeviceSeals::open_proof(std::string_view text) {
  const auto opened = proofs_.open(text, kProof);
  if (!opened || opened->plain.size() != kProof) {
    return std::nullopt;
  }
  Proof proof;
  read_id(opened->plain, 0, proof.session);
  read_id(opened->plain, kId, proof.binding);
  proof.expires = stamp_at(opened->plain, 2 * kId);
  return proof;
}

std::optional<DeviceSeals::Challenge> DeviceSeals::open_challenge(std::string_view text) {
  const auto opened = challenges_.open(text, kChallenge);
  if (!opened || opened->plain.size() != kChallenge) {
    return std::nullopt;
  }
  Challenge challenge;
  read_id(opened->plain, 0, challenge.session);
  read_id(opened->plain, kId, challenge.binding);
  challenge.issued = stamp_at(opened->plain, 2 * kId);
  challenge.purpose = static_cast<ChallengePurpose>(opened->plain[2 * kId + kStamp]);
  return challenge;
}

}  // namespace keepsake
