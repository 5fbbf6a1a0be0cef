#pragma once
// The addresses of sockets as the kernel takes them, from those that configuration writes.

#include <vector>

#include "base/address.hpp"
#include "io/asio.hpp"

namespace keepsake {

// The addresses that need no name service: IP literals and unix sockets. Empty for names.
std::vector<Endpoint> literal_endpoints(const SocketAddress& address);

}  // namespace keepsake
