#pragma once
// The host of a Host field, a target or an Origin: its parts, and the one form in which hosts are
// compared. Called by read_request and the loader of routes. Pure text.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keepsake {

struct HostPort {
  std::string_view host;  // as sent, an IPv6 address with its brackets
  std::string_view port;  // digits, at most 65535; empty when there is none
};

// uri-host [ ":" port ] of RFC 9110 7.2, and nothing else: no user, no list, no spaces, not empty.
// An empty label (a..example) is none either: only the last one may be empty, for the root.
std::optional<HostPort> parse_host(std::string_view value);

// `host`, as parse_host gives it, in the form in which hosts are compared: lower case, escapes of
// unreserved bytes decoded (RFC 3986 6.2.2), without one trailing dot, an IPv6 address in the text
// of RFC 5952.
void fold_host(std::string_view host, std::string& out);

// Of two hosts as parse_host gives them.
bool hosts_match(std::string_view a, std::string_view b);

// A port as a number; `missing` where `port` is empty (RFC 9110 4.2.3).
unsigned port_or(std::string_view port, unsigned missing);

constexpr unsigned scheme_port(bool https) {
  return https ? 443 : 80;
}

// Whether two values of "host[:port]" name the same place, where a missing port is `missing`.
bool authorities_match(std::string_view a, std::string_view b, unsigned missing);

}  // namespace keepsake
