#include "wire/websocket.hpp"

#include <openssl/evp.h>

namespace keepsake::test {

std::string switch_for(const Message& request, const std::string& more) {
  const std::string text =
      request.value("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  unsigned char accept[64];
  EVP_EncodeBlock(accept, digest, static_cast<int>(size));
  return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Accept: " +
         std::string{reinterpret_cast<const char*>(accept)} + "\r\n" + more + "\r\n";
}

}  // namespace keepsake::test
