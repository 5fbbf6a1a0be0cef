#include "backend/own_addresses.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "io/local_address.hpp"

namespace keepsake {

namespace {

// Address and port of an IPv4 or IPv6 socket address.
bool read_ip(const sockaddr* address, IpAddress& ip, std::uint16_t& port) {
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
    ip = ip_from_v4(bytes);
    port = ntohs(in.sin_port);
    return true;
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, address, sizeof in);
    std::memcpy(ip.bytes.data(), &in.sin6_addr, ip.bytes.size());
    port = ntohs(in.sin6_port);
    return true;
  }
  return false;
}

std::string path_of(const sockaddr* address, std::size_t size) {
  constexpr std::size_t start = offsetof(sockaddr_un, sun_path);
  if (address->sa_family != AF_UNIX || size <= start) {
    return {};
  }
  const char* const path = reinterpret_cast<const char*>(address) + start;
  return {path, ::strnlen(path, size - start)};
}

// Two names may lead to the same socket.
bool same_file(const std::string& one, const std::string& other) {
  struct stat a{};
  struct stat b{};
  return one == other || (::stat(one.c_str(), &a) == 0 && ::stat(other.c_str(), &b) == 0 &&
                          a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

}  // namespace

void OwnAddresses::add(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  const auto* const address = reinterpret_cast<const sockaddr*>(&storage);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return;
  }
  Own own;
  if (read_ip(address, own.ip, own.port)) {
    int only_v6 = 1;
    socklen_t length = sizeof only_v6;
    own.any_v6 = address->sa_family == AF_INET6 && own.ip == kAnyV6;
    own.any_v4 =
        own.ip == kAnyV4 ||
        (own.any_v6 && ::getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, &length) == 0 &&
         only_v6 == 0);
  } else {
    own.path = path_of(address, size);
    if (own.path.empty()) {
      return;
    }
  }
  own_.push_back(std::move(own));
}

bool OwnAddresses::has(const Endpoint& endpoint) const {
  const auto* const address = reinterpret_cast<const sockaddr*>(endpoint.data());
  IpAddress ip;
  std::uint16_t port = 0;
  if (!read_ip(address, ip, port)) {
    const std::string path = path_of(address, endpoint.size());
    return !path.empty() && std::any_of(own_.begin(), own_.end(), [&path](const Own& own) {
      return !own.path.empty() && same_file(own.path, path);
    });
  }
  // Linux takes a connection to the unspecified address to the loopback.
  if (ip == kAnyV4) {
    ip = kLoopbackV4;
  } else if (ip == kAnyV6) {
    ip = kLoopbackV6;
  }
  return std::any_of(own_.begin(), own_.end(), [&ip, port](const Own& own) {
    if (!own.path.empty() || own.port != port) {
      return false;
    }
    return own.ip == ip || ((ip.is_v4() ? own.any_v4 : own.any_v6) && is_local_address(ip));
  });
}

}  // namespace keepsake
