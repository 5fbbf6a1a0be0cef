#include "store/store_sealer.hpp"

#include <algorithm>
#include <cstring>
#include <span>

namespace keepsake {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kNonceAt = 1 + std::tuple_size_v<KeyId>;
constexpr std::size_t kBodyAt = kNonceAt + Xaes256Gcm::kNonceSize;

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::span<std::uint8_t> bytes_of(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

StoreSealer::StoreSealer(std::shared_ptr<const KeyRing> keys, Random& random)
    : keys_(std::move(keys)), random_(random) {
  ciphers_.reserve(keys_->size());
  for (std::size_t i = 0; i < keys_->size(); ++i) {
    ciphers_.emplace_back(keys_->at(i).storing);
  }
}

std::string_view StoreSealer::aad_for(const StoreKey& session, std::string_view field) {
  aad_.assign(reinterpret_cast<const char*>(session.data()), session.size());
  aad_.append(field);
  return aad_;
}

std::string StoreSealer::seal(const StoreKey& session, std::string_view field,
                              std::string_view value) {
  std::string sealed(kBodyAt + value.size() + Xaes256Gcm::kTagSize, '\0');
  const std::span<std::uint8_t> out = bytes_of(sealed);
  out[0] = kVersion;
  const KeyId& id = keys_->at(0).id;
  std::copy(id.begin(), id.end(), out.begin() + 1);
  random_.fill(out.subspan<kNonceAt, Xaes256Gcm::kNonceSize>());
  ciphers_[0].seal(out.subspan<kNonceAt, Xaes256Gcm::kNonceSize>(), aad_for(session, field),
                   bytes_of(value), out.subspan(kBodyAt));
  return sealed;
}

std::optional<StoreSealer::Value> StoreSealer::open(const StoreKey& session, std::string_view field,
                                                    std::string_view sealed) {
  const std::span<const std::uint8_t> in = bytes_of(sealed);
  if (in.size() < kBodyAt + Xaes256Gcm::kTagSize || in[0] != kVersion) {
    return std::nullopt;
  }
  KeyId id{};
  std::memcpy(id.data(), in.data() + 1, id.size());
  const std::string_view aad = aad_for(session, field);
  plain_.resize(in.size() - kBodyAt - Xaes256Gcm::kTagSize);
  for (auto key = keys_->find(id); key; key = keys_->find(id, *key + 1)) {
    if (ciphers_[*key].open(in.subspan<kNonceAt, Xaes256Gcm::kNonceSize>(), aad,
                            in.subspan(kBodyAt), bytes_of(plain_))) {
      return Value{plain_, *key};
    }
  }
  return std::nullopt;
}

}  // namespace keepsake
