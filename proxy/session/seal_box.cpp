#include "session/seal_box.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/base64url.hpp"

namespace keepsake {
namespace {

constexpr std::uint8_t kBoxVersion = 1;
constexpr std::size_t kBoxNonceAt = 1 + std::tuple_size_v<KeyId>;
constexpr std::size_t kBoxBodyAt = kBoxNonceAt + Xaes256Gcm::kNonceSize;

}  // namespace

SealBox::SealBox(std::shared_ptr<const KeyRing> keys, std::string_view kind, std::string_view scope,
                 Random& random)
    : keys_(std::move(keys)), random_(random) {
  authenticated_.append(kind).append(1, '\0').append(scope);
  ciphers_.reserve(keys_->size());
  for (std::size_t i = 0; i < keys_->size(); ++i) {
    ciphers_.emplace_back(keys_->at(i).sealing);
  }
}

void SealBox::seal(std::span<const std::uint8_t> plain, std::string& out) {
  envelope_.resize(kOverhead + plain.size());
  const std::span<std::uint8_t> envelope{envelope_};
  envelope[0] = kBoxVersion;
  std::ranges::copy(keys_->at(0).id, envelope.begin() + 1);
  random_.fill(envelope.subspan<kBoxNonceAt, Xaes256Gcm::kNonceSize>());
  ciphers_[0].seal(envelope.subspan<kBoxNonceAt, Xaes256Gcm::kNonceSize>(), authenticated_, plain,
                   envelope.subspan(kBoxBodyAt));
  base64url_encode(envelope, out);
}

std::optional<SealBox::Unsealed> SealBox::open(std::string_view text, std::size_t most) {
  if (text.size() > base64url_size(kOverhead + most)) {
    return std::nullopt;
  }
  envelope_.resize(base64url_decoded_size(text.size()));
  const std::optional<std::size_t> size = base64url_decode(text, envelope_);
  if (!size || *size < kOverhead || envelope_[0] != kBoxVersion) {
    return std::nullopt;
  }
  const auto envelope = std::span<const std::uint8_t>{envelope_}.first(*size);
  plain_.resize(*size - kOverhead);
  KeyId id{};
  std::memcpy(id.data(), envelope.data() + 1, id.size());
  for (auto key = keys_->find(id); key; key = keys_->find(id, *key + 1)) {
    if (ciphers_[*key].open(envelope.subspan<kBoxNonceAt, Xaes256Gcm::kNonceSize>(), authenticated_,
                            envelope.subspan(kBoxBodyAt), plain_)) {
      return Unsealed{plain_, *key};
    }
  }
  return std::nullopt;
}

}  // namespace keepsake
