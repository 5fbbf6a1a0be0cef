#include "backend/server_authority.hpp"

#include <array>
#include <charconv>

namespace keepsake {

void append_server_authority(const ServerConfig& server, std::string& out) {
  const SocketAddress& address = server.address;
  if (address.kind == SocketAddress::Kind::Unix) {
    out.append("localhost");
    return;
  }
  const bool is_v6 = address.host.find(':') != std::string::npos;
  out.append(is_v6 ? "[" : "").append(address.host).append(is_v6 ? "]" : "");
  if (address.port == (server.tls ? 443 : 80)) {
    return;
  }
  std::array<char, 8> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), address.port).ptr;
  out.append(":").append(digits.data(), end);
}

}  // namespace keepsake
