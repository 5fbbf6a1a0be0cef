#include "base/random.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace keepsake {

Random::~Random() {
  OPENSSL_cleanse(pool_.data(), pool_.size());
}

void Random::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    if (left_ == 0) {
      if (RAND_bytes(pool_.data(), static_cast<int>(pool_.size())) != 1) {
        std::abort();
      }
      left_ = pool_.size();
    }
    const std::size_t n = std::min(out.size(), left_);
    std::uint8_t* source = pool_.data() + (left_ - n);
    std::memcpy(out.data(), source, n);
    OPENSSL_cleanse(source, n);
    left_ -= n;
    out = out.subspan(n);
  }
}

std::uint64_t Random::next_u64() {
  std::array<std::uint8_t, 8> bytes{};
  fill(bytes);
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace keepsake
