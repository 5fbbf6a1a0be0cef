#include "backend/websocket_accept.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstdint>

#include "base/base64url.hpp"

namespace keepsake {

std::string websocket_accept(std::string_view key) {
  std::string text{key};
  text.append("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  std::array<std::uint8_t, 20> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::string accept;
  base64_encode(digest, accept);
  return accept;
}

}  // namespace keepsake
