#include "io/endpoint.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace keepsake {

std::vector<Endpoint> literal_endpoints(const SocketAddress& address) {
  if (address.kind == SocketAddress::Kind::Unix) {
    return {Endpoint{asio::local::stream_protocol::endpoint{address.path}}};
  }
  error_code error;
  const auto ip = asio::ip::make_address(address.host, error);
  if (error) {
    return {};
  }
  return {Endpoint{asio::ip::tcp::endpoint{ip, address.port}}};
}

}  // namespace keepsake
