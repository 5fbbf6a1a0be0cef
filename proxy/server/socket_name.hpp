#pragma once
// The kernel's addresses of listening sockets, and what configuration calls them.

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.hpp"

namespace keepsake {

struct SocketName {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;

  int family() const { return storage.ss_family; }
  const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&storage); }
  const sockaddr_in& v4() const { return reinterpret_cast<const sockaddr_in&>(storage); }
  const sockaddr_in6& v6() const { return reinterpret_cast<const sockaddr_in6&>(storage); }
  std::string path() const;
  // 0 for unix.
  std::uint16_t port() const;
  void set_port(std::uint16_t port);
  // "192.0.2.1", "::1" or "unix:/path".
  std::string host_text() const;
  // With the port.
  std::string text() const;
  friend bool operator==(const SocketName& a, const SocketName& b);
};

// What the socket is bound to.
SocketName name_of(int fd);

// All addresses of `address`: several if it has a name, as localhost does. May ask the DNS for one.
// Empty with `error`.
std::vector<SocketName> find_names(const SocketAddress& address, std::string& error);

}  // namespace keepsake
