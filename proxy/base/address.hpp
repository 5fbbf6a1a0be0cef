#pragma once
// IP addresses, CIDR blocks and the addresses of sockets as configuration writes them. Pure text
// and bytes: nothing here resolves a name or opens a socket.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace keepsake {

// An IPv4 address is held as IPv4-mapped IPv6 (RFC 4291 2.5.5.2), so one comparison serves both.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  bool is_v4() const;
  // "192.0.2.1" or RFC 5952 text; no brackets.
  std::string to_string() const;
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// Accepts dotted quads without leading zeros and RFC 4291 text without brackets or zone.
std::optional<IpAddress> parse_ip(std::string_view text);
// From the four bytes of an IPv4 address in network order.
IpAddress ip_from_v4(std::span<const std::uint8_t, 4> bytes);

struct Cidr {
  IpAddress network;
  std::uint8_t prefix = 128;  // counted in the 128-bit form: a /8 of IPv4 is 104
  bool contains(const IpAddress& address) const;
  friend bool operator==(const Cidr&, const Cidr&) = default;
};

// "10.0.0.0/8", "::1", "2001:db8::/32"; a bare address means that address alone. Host bits must be
// 0.
std::optional<Cidr> parse_cidr(std::string_view text);

// Where to listen or connect: host:port, [v6]:port or unix:/path.
struct SocketAddress {
  enum class Kind : std::uint8_t { Tcp, Unix };
  Kind kind = Kind::Tcp;
  std::string host;  // name or IP, without brackets; empty for unix
  std::uint16_t port = 0;
  std::string path;  // unix only, absolute
  // The text as configuration writes it ("[::1]:8080", "unix:/run/x.sock").
  std::string to_string() const;
  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

// `error` gets one short sentence when the result is empty. Port 0 is allowed (the kernel chooses).
std::optional<SocketAddress> parse_socket_address(std::string_view text, std::string& error);

}  // namespace keepsake
