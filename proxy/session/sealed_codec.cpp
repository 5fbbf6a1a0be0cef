#include "session/sealed_codec.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/base64url.hpp"
#include "http/form.hpp"

namespace keepsake {
namespace {

constexpr std::string_view kContext = "keepsake sealed v1";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kPlain = 1;    // the plaintext that every release opens
constexpr std::uint8_t kFlagged = 2;  // the one with flags, which is written only if one is set
constexpr std::uint8_t kHasLifetime = 1;
constexpr std::uint8_t kHasBinding = 2;
constexpr std::size_t kNonceAt = 1 + std::tuple_size_v<KeyId>;
constexpr std::size_t kBodyAt = kNonceAt + Xaes256Gcm::kNonceSize;
constexpr std::size_t kBlock = 32;                // plaintexts are whole blocks
constexpr std::size_t kPairsAt = 1 + 16 + 5 + 5;  // version, id, created, touched
constexpr std::size_t kMaxEnvelope = base64url_decoded_size(SealedCodec::kMaxCookie);
constexpr std::int64_t kSealedStampEnd = std::int64_t{1} << 40;

std::size_t padded(std::size_t size) {
  return (size + kBlock - 1) / kBlock * kBlock;
}

std::int64_t read_u40(const std::uint8_t* from) {
  std::int64_t value = 0;
  for (int i = 0; i < 5; ++i) {
    value = value << 8 | from[i];
  }
  return value;
}

void write_u40(std::int64_t value, std::uint8_t* to) {
  for (int i = 4; i >= 0; --i, value >>= 8) {
    to[i] = static_cast<std::uint8_t>(value & 0xFF);
  }
}

std::uint32_t read_u32(const std::uint8_t* from) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    value = value << 8 | from[i];
  }
  return value;
}

std::uint8_t* write_u32(std::uint32_t value, std::uint8_t* to) {
  for (int i = 3; i >= 0; --i, value >>= 8) {
    to[i] = static_cast<std::uint8_t>(value & 0xFF);
  }
  return to + 4;
}

std::string_view text_of(const std::uint8_t* from, std::size_t size) {
  return {reinterpret_cast<const char*>(from), size};
}

std::uint8_t flags_of(const Session& session) {
  return static_cast<std::uint8_t>((session.lifetime ? kHasLifetime : 0) |
                                   (session.binding ? kHasBinding : 0));
}

std::size_t flagged_size(std::uint8_t flags) {
  return flags == 0 ? 0
                    : 1 + ((flags & kHasLifetime) != 0 ? sizeof(std::uint32_t) : 0) +
                          ((flags & kHasBinding) != 0 ? std::tuple_size_v<SessionId> : 0);
}

// Reads the flags at `at` and what they announce; where the pairs begin, or nothing. A bit without
// a meaning here is a later release's, and what it changes is not known.
std::optional<std::size_t> read_flagged(std::span<const std::uint8_t> plain, std::size_t at,
                                        Session& out) {
  const std::uint8_t flags = plain[at];
  if (flags == 0 || (flags & ~(kHasLifetime | kHasBinding)) != 0 ||
      plain.size() - at < flagged_size(flags)) {
    return std::nullopt;
  }
  ++at;
  if ((flags & kHasLifetime) != 0) {
    out.lifetime = read_u32(plain.data() + at);
    at += sizeof(std::uint32_t);
  }
  if ((flags & kHasBinding) != 0) {
    SessionId& binding = out.binding.emplace();
    std::memcpy(binding.data(), plain.data() + at, binding.size());
    at += binding.size();
  }
  return at;
}

// Fills `out` from an authenticated plaintext; false if it is not the one way to write it.
bool decode(std::span<const std::uint8_t> plain, Session& out) {
  if (plain.size() < kBlock || plain.size() % kBlock != 0 ||
      (plain[0] != kPlain && plain[0] != kFlagged)) {
    return false;
  }
  std::memcpy(out.id.data(), plain.data() + 1, out.id.size());
  out.has_id = true;
  out.created = read_u40(plain.data() + 17);
  out.touched = read_u40(plain.data() + 22);

  std::size_t at = kPairsAt;
  if (plain[0] == kFlagged) {
    const std::optional<std::size_t> pairs = read_flagged(plain, at, out);
    if (!pairs) {
      return false;
    }
    at = *pairs;
  }
  while (at < plain.size() && plain[at] != 0) {
    const std::size_t key_size = plain[at];
    if (plain.size() - at < 1 + key_size + 2) {
      return false;
    }
    const std::uint8_t* key = plain.data() + at + 1;
    const std::uint8_t* size = key + key_size;
    const std::size_t value_size = static_cast<std::size_t>(size[0]) << 8 | size[1];
    at += 1 + key_size + 2;
    if (plain.size() - at < value_size) {
      return false;
    }
    const std::string_view key_text = text_of(key, key_size);
    const std::string_view value_text = text_of(plain.data() + at, value_size);
    if (!valid_utf8(key_text) || !valid_utf8(value_text) ||
        !out.append_sorted(key_text, value_text)) {
      return false;
    }
    at += value_size;
  }
  return padded(at) == plain.size() &&
         std::all_of(plain.begin() + static_cast<std::ptrdiff_t>(at), plain.end(),
                     [](std::uint8_t byte) { return byte == 0; });
}

// Bytes of the plaintext before padding; nothing if the format cannot hold the session.
std::optional<std::size_t> plain_size(const Session& session) {
  const auto fits = [](std::int64_t stamp) { return stamp >= 0 && stamp < kSealedStampEnd; };
  if (!fits(session.created) || !fits(session.touched)) {
    return std::nullopt;
  }
  std::size_t size = kPairsAt + flagged_size(flags_of(session));
  for (std::size_t i = 0; i < session.size(); ++i) {
    const auto [key, value] = session.at(i);
    if (key.empty() || key.size() > 0xFF || value.size() > 0xFFFF || !valid_utf8(key) ||
        !valid_utf8(value)) {
      return std::nullopt;
    }
    size += 1 + key.size() + 2 + value.size();
  }
  return size;
}

// `to` has padded(plain_size) bytes of zero.
void encode(const Session& session, std::uint8_t* to) {
  const std::uint8_t flags = flags_of(session);
  *to++ = flags == 0 ? kPlain : kFlagged;
  to = std::copy(session.id.begin(), session.id.end(), to);
  write_u40(session.created, to);
  write_u40(session.touched, to + 5);
  to += 10;
  if (flags != 0) {
    *to++ = flags;
  }
  if (session.lifetime) {
    to = write_u32(*session.lifetime, to);
  }
  if (session.binding) {
    to = std::copy(session.binding->begin(), session.binding->end(), to);
  }
  for (std::size_t i = 0; i < session.size(); ++i) {
    const auto [key, value] = session.at(i);
    *to++ = static_cast<std::uint8_t>(key.size());
    to = std::copy(key.begin(), key.end(), to);
    *to++ = static_cast<std::uint8_t>(value.size() >> 8);
    *to++ = static_cast<std::uint8_t>(value.size() & 0xFF);
    to = std::copy(value.begin(), value.end(), to);
  }
}

}  // namespace

SealedCodec::SealedCodec(std::shared_ptr<const KeyRing> keys, const std::vector<std::string>& names,
                         Random& random)
    : keys_(std::move(keys)), random_(random), envelope_(kMaxEnvelope), plain_(kMaxEnvelope) {
  for (const std::string& name : names) {
    std::string& aad = aads_.emplace_back().text;
    aad.reserve(512);
    aad.append(kContext).append(1, '\0').append(name);
    aads_.back().fixed = aad.size();
  }
  ciphers_.reserve(keys_->size());
  for (std::size_t i = 0; i < keys_->size(); ++i) {
    ciphers_.emplace_back(keys_->at(i).sealing);
  }
}

SealedCodec::~SealedCodec() {
  OPENSSL_cleanse(plain_.data(), plain_.size());
}

std::string_view SealedCodec::aad_for(std::size_t name, std::string_view binding) {
  Aad& aad = aads_[name];
  aad.text.resize(aad.fixed);
  if (!binding.empty()) {
    aad.text.append(1, '\0').append(binding);
  }
  return aad.text;
}

bool SealedCodec::knows(std::string_view cookie) {
  std::array<std::uint8_t, 6> begin{};  // the version, four bytes of key id, one more
  if (!base64url_decode(cookie.substr(0, 8), begin) || begin[0] != kVersion) {
    return false;
  }
  KeyId id{};
  std::memcpy(id.data(), begin.data() + 1, id.size());
  return keys_->find(id).has_value();
}

Opened SealedCodec::open(std::string_view cookie, std::string_view binding, std::size_t name,
                         Session& out) {
  out.reset();
  if (cookie.size() > kMaxCookie) {
    return {OpenStatus::Malformed, 0};
  }
  const std::optional<std::size_t> size = base64url_decode(cookie, envelope_);
  if (!size || *size < kBodyAt + kBlock + Xaes256Gcm::kTagSize || envelope_[0] != kVersion ||
      (*size - kBodyAt - Xaes256Gcm::kTagSize) % kBlock != 0) {
    return {OpenStatus::Malformed, 0};
  }
  const std::span<const std::uint8_t> envelope(envelope_.data(), *size);
  KeyId id{};
  std::memcpy(id.data(), envelope.data() + 1, id.size());
  std::optional<std::size_t> key = keys_->find(id);
  if (!key) {
    return {OpenStatus::UnknownKey, 0};
  }
  const std::string_view aad = aad_for(name, binding);
  const std::span<std::uint8_t> plain =
      std::span(plain_).first(envelope.size() - kBodyAt - Xaes256Gcm::kTagSize);
  for (; key; key = keys_->find(id, *key + 1)) {
    if (ciphers_[*key].open(envelope.subspan<kNonceAt, Xaes256Gcm::kNonceSize>(), aad,
                            envelope.subspan(kBodyAt), plain)) {
      if (decode(plain, out)) {
        return {OpenStatus::Ok, *key};
      }
      out.reset();
      return {OpenStatus::Malformed, *key};
    }
  }
  return {OpenStatus::Forged, 0};
}

std::size_t SealedCodec::seal(const Session& session, std::string_view binding, std::string& out) {
  const std::optional<std::size_t> size = plain_size(session);
  if (!size) {
    return 0;
  }
  const std::size_t body = padded(*size);
  const std::size_t total = kBodyAt + body + Xaes256Gcm::kTagSize;
  if (total > envelope_.size()) {
    envelope_.resize(total);
  }
  const std::span<std::uint8_t> envelope = std::span(envelope_).first(total);
  envelope[0] = kVersion;
  const KeyId& id = keys_->at(0).id;
  std::copy(id.begin(), id.end(), envelope.begin() + 1);
  random_.fill(envelope.subspan<kNonceAt, Xaes256Gcm::kNonceSize>());

  // Encrypted in place: the plaintext stands where the ciphertext will.
  const std::span<std::uint8_t> plain = envelope.subspan(kBodyAt, body);
  std::fill(plain.begin(), plain.end(), std::uint8_t{0});
  encode(session, plain.data());
  ciphers_[0].seal(envelope.subspan<kNonceAt, Xaes256Gcm::kNonceSize>(), aad_for(0, binding), plain,
                   envelope.subspan(kBodyAt));
  const std::size_t before = out.size();
  base64url_encode(envelope, out);
  return out.size() - before;
}

}  // namespace keepsake
