#pragma once
// X-Forwarded-* and Forwarded (RFC 7239) as sent by peers that are trusted. Whether the peer is
// trusted is the caller's question: nothing here may be asked about a client's own lines.

#include <optional>
#include <span>
#include <string_view>

#include "base/address.hpp"

namespace keepsake {

// The trimmed last element of a comma-separated list; empty when the list ends in a comma or is
// empty.
std::string_view last_list_element(std::string_view list);

// The proto parameter of the last element of a Forwarded field, without its quotes. Empty when it
// has none, or when the field is malformed.
std::optional<std::string_view> last_forwarded_proto(std::string_view forwarded_header);

// Whether a proto means https: wss is https, ws is http, in any case. Empty for other words.
std::optional<bool> proto_is_https(std::string_view proto);

// A port without leading zeros; empty unless it is a number from 1 to 65535.
std::string_view forwarded_port(std::string_view text);

bool is_trusted(const IpAddress& address, std::span<const Cidr> trusted);

// Where the search for the client begins. A peer on a unix socket has no address to look up.
struct Hop {
  IpAddress address;
  bool trusted = false;
};

// The rightmost address of the X-Forwarded-For lines, read from the end, that is not trusted: the
// peer itself if it is not; the leftmost reached if all are; where an element is no address, the
// one to its right. Ports, brackets and the zone-less forms of RFC 7239 6 are understood.
IpAddress client_address(const Hop& peer, std::span<const Cidr> trusted,
                         std::span<const std::string_view> xff_lines);

// The same question, answered by the `for` parameters of Forwarded lines. An element that has none,
// or a name instead of an address, ends the search; so does a line that is malformed.
IpAddress forwarded_client_address(const Hop& peer, std::span<const Cidr> trusted,
                                   std::span<const std::string_view> lines);

}  // namespace keepsake
