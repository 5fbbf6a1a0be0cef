#pragma once
// The addresses at which this process accepts clients. A server of a backend that has one of them
// is Keepsake itself: a request sent there would come back again and again (RFC 9110 7.6). Each
// worker has a copy, made of its own listening sockets; asked before a connection is made.

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "io/asio.hpp"

namespace keepsake {

class OwnAddresses {
 public:
  void clear() { own_.clear(); }
  // What that listening socket is bound to.
  void add(int fd);
  // Whether a connection to `endpoint` would reach one of these sockets. Asks the kernel only where
  // a socket listens at every address of the host.
  bool has(const Endpoint& endpoint) const;

 private:
  struct Own {
    IpAddress ip;
    std::uint16_t port = 0;
    bool any_v4 = false;  // every IPv4 address of the host
    bool any_v6 = false;
    std::string path;  // of a unix socket; then nothing else counts
  };
  std::vector<Own> own_;
};

}  // namespace keepsake
