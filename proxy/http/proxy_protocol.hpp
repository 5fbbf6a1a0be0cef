#pragma once
// The PROXY protocol header, versions 1 and 2, that a load balancer puts before a connection's
// first byte. Called by accept_connections on listeners that require it, for trusted peers only.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/address.hpp"

namespace keepsake {

enum class ProxyParse : std::uint8_t { NeedMore, Ok, Bad };

struct ProxyHeader {
  // False for LOCAL and UNKNOWN, and for families that are no IP: the peer's own address stands.
  bool has_addresses = false;
  bool local = false;  // LOCAL: the balancer's own connection, nobody is behind it
  bool tls = false;    // the client's connection to the balancer is TLS (version 2 alone can tell)
  IpAddress source;
  IpAddress destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::size_t size = 0;  // bytes of the header, to be taken off the input
};

// A v1 line has at most 107 bytes, CRLF included; a v2 header 16 and at most this many more.
inline constexpr std::size_t kMaxProxyV2Payload = 536;

// `header` is filled only with Ok. NeedMore never comes for more than 16 + kMaxProxyV2Payload
// bytes.
ProxyParse parse_proxy_header(std::string_view input, ProxyHeader& header);

}  // namespace keepsake
