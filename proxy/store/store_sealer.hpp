#pragma once
// Seals a session's values for a store that others can read: 01 | key id 4 | nonce 24 | ciphertext
// | tag 16, XAES-256-GCM, authenticated together with the session's store key and the name of the
// field, so that nobody can move a value elsewhere. The first secret seals, every one opens. One
// object per worker.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "session/key_ring.hpp"
#include "session/xaes.hpp"
#include "store/store_key.hpp"

namespace keepsake {

class StoreSealer {
 public:
  StoreSealer(std::shared_ptr<const KeyRing> keys, Random& random);

  std::string seal(const StoreKey& session, std::string_view field, std::string_view value);

  struct Value {
    std::string_view text;  // until the next call
    std::size_t key_index = 0;
  };
  // Nothing if no key opens it.
  std::optional<Value> open(const StoreKey& session, std::string_view field,
                            std::string_view sealed);

 private:
  std::string_view aad_for(const StoreKey& session, std::string_view field);

  std::shared_ptr<const KeyRing> keys_;
  Random& random_;
  std::vector<Xaes256Gcm> ciphers_;
  std::string aad_;
  std::string plain_;
};

}  // namespace keepsake
