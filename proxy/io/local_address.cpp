#include "io/local_address.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace keepsake {

const IpAddress kAnyV4{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}};
const IpAddress kAnyV6{};
const IpAddress kLoopbackV4{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}};
const IpAddress kLoopbackV6{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

bool is_local_address(const IpAddress& ip) {
  const bool v4 = ip.is_v4();
  if ((v4 && ip.bytes[12] == 127) || ip == kLoopbackV6) {
    return true;
  }
  // The kernel binds a socket to an address of this host only.
  const int fd = ::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return false;
  }
  int bound = -1;
  if (v4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    std::memcpy(&in.sin_addr, ip.bytes.data() + 12, 4);
    bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&in), sizeof in);
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    std::memcpy(&in.sin6_addr, ip.bytes.data(), 16);
    bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&in), sizeof in);
  }
  ::close(fd);
  return bound == 0;
}

}  // namespace keepsake
