#pragma once
// The keys that the configured secrets stand for: the first seals, every one opens. Built once per
// (re)load, immutable, shared by all workers; the key material is wiped when the last user lets go.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keepsake {

struct FlaskConfig;

using KeyId = std::array<std::uint8_t, 4>;

class KeyRing {
 public:
  struct Key {
    KeyId id{};                               // stands in the cookie; says nothing about the key
    std::array<std::uint8_t, 32> sealing{};   // format sealed: XAES-256-GCM
    std::array<std::uint8_t, 32> storing{};   // values in a shared store: XAES-256-GCM
    std::array<std::uint8_t, 32> indexing{};  // values of session.index in a shared store: HMAC
    // format flask: HMAC, as long as its digest
    std::array<std::uint8_t, 64> flask_signing{};
  };

  // `secrets` are taken byte by byte; whoever read them has cut the one trailing line end. Not
  // empty.
  explicit KeyRing(const std::vector<std::string>& secrets);
  // The same with the salt and the digest of other Flask applications than the usual ones.
  KeyRing(const std::vector<std::string>& secrets, const FlaskConfig& flask);
  ~KeyRing();
  KeyRing(const KeyRing&) = delete;
  KeyRing& operator=(const KeyRing&) = delete;

  std::size_t size() const { return keys_.size(); }
  const Key& at(std::size_t i) const { return keys_[i]; }

  // The first key at or after `from` with this id. Two secrets share an id once in 2^32 pairs;
  // whoever must not fail then asks again from the next one.
  std::optional<std::size_t> find(const KeyId& id, std::size_t from = 0) const;

  // The digest of format flask: its OpenSSL name, and its bytes.
  const char* flask_digest() const { return flask_digest_; }
  std::size_t flask_size() const { return flask_size_; }

  // Eight lowercase hex digits: the name of a key in metrics and in `keepsake inspect`.
  std::string id_hex(std::size_t i) const;

 private:
  std::vector<Key> keys_;
  const char* flask_digest_;
  std::size_t flask_size_;
};

}  // namespace keepsake
