#include "store/index_tag.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string>

namespace keepsake {

IndexTag index_tag(std::span<const std::uint8_t, 32> key, std::string_view name,
                   std::string_view value) {
  std::string text{name};
  text.append(1, '\0').append(value);  // no name and value are another name and value together
  IndexTag tag{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), tag.data(), &size);
  return tag;
}

}  // namespace keepsake
