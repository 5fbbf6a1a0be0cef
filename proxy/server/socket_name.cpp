#include "server/socket_name.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

namespace keepsake {

namespace {

std::vector<SocketName> unix_name(const SocketAddress& address, std::string& error) {
  SocketName name;
  auto& target = reinterpret_cast<sockaddr_un&>(name.storage);
  target.sun_family = AF_UNIX;
  if (address.path.size() >= sizeof target.sun_path) {
    error = "the path of a unix socket may have at most 107 bytes";
    return {};
  }
  std::memcpy(target.sun_path, address.path.data(), address.path.size());
  name.size = sizeof target;
  return {name};
}

}  // namespace

std::string SocketName::path() const {
  const auto& name = reinterpret_cast<const sockaddr_un&>(storage);
  return std::string{name.sun_path, ::strnlen(name.sun_path, sizeof name.sun_path)};
}

std::uint16_t SocketName::port() const {
  switch (family()) {
    case AF_INET:
      return ntohs(v4().sin_port);
    case AF_INET6:
      return ntohs(v6().sin6_port);
    default:
      return 0;
  }
}

void SocketName::set_port(std::uint16_t port) {
  if (family() == AF_INET) {
    reinterpret_cast<sockaddr_in&>(storage).sin_port = htons(port);
  } else if (family() == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(storage).sin6_port = htons(port);
  }
}

std::string SocketName::host_text() const {
  if (family() == AF_UNIX) {
    return "unix:" + path();
  }
  char host[NI_MAXHOST] = "?";
  ::getnameinfo(generic(), size, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
  return host;
}

std::string SocketName::text() const {
  switch (family()) {
    case AF_UNIX:
      return host_text();
    case AF_INET6:
      return fmt::format("[{}]:{}", host_text(), port());
    default:
      return fmt::format("{}:{}", host_text(), port());
  }
}

bool operator==(const SocketName& a, const SocketName& b) {
  if (a.family() != b.family() || a.port() != b.port()) {
    return false;
  }
  switch (a.family()) {
    case AF_INET:
      return a.v4().sin_addr.s_addr == b.v4().sin_addr.s_addr;
    case AF_INET6:
      return std::memcmp(&a.v6().sin6_addr, &b.v6().sin6_addr, sizeof(in6_addr)) == 0 &&
             a.v6().sin6_scope_id == b.v6().sin6_scope_id;
    default:
      return a.path() == b.path();
  }
}

SocketName name_of(int fd) {
  SocketName name;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&name.storage), &name.size);
  return name;
}

std::vector<SocketName> find_names(const SocketAddress& address, std::string& error) {
  if (address.kind == SocketAddress::Kind::Unix) {
    return unix_name(address, error);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  if (const int code = ::getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found);
      code != 0) {
    error = ::gai_strerror(code);
    return {};
  }
  std::vector<SocketName> names;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    SocketName name;
    std::memcpy(&name.storage, one->ai_addr, one->ai_addrlen);
    name.size = one->ai_addrlen;
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);  // a hosts file may say the same twice
    }
  }
  ::freeaddrinfo(found);
  return names;
}

}  // namespace keepsake
