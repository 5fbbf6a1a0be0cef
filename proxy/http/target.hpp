#pragma once
// The request target (RFC 9112 3.2), its path in the form that routes are matched on, and the Host
// field. Called by read_request and match_route. Views point into the argument; nothing is
// repaired: what is ambiguous has no result.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keepsake {

enum class TargetForm : std::uint8_t { Origin, Absolute, Asterisk };

struct Target {
  TargetForm form = TargetForm::Origin;
  // From absolute-form, checked as parse_host does. Asterisk has one too when OPTIONS came for
  // "http://host", which RFC 9112 3.2.4 wants forwarded as "*".
  std::string_view authority;
  std::string_view path;    // begins with '/'; "*" in asterisk-form
  std::string_view query;   // without '?'
  std::string_view origin;  // the bytes to forward: path, and '?' with the query if there was one
};

// Empty when the target is malformed, is not of the http or https scheme, or asks for "*" with
// another method than OPTIONS. CONNECT's authority-form is the caller's to refuse before.
std::optional<Target> parse_target(std::string_view method, std::string_view raw);

// The path that routes see: percent-encoded unreserved bytes decoded, dot segments removed (RFC
// 3986 6.2.2.2 and 6.2.2.3), everything else untouched. `path` itself where nothing changes, else a
// view of `scratch`. A '%' without two hexadecimal digits is literal. Empty when the dot segments
// lead out of the root.
std::optional<std::string_view> normalise_path(std::string_view path, std::string& scratch);

struct HostPort {
  std::string_view host;  // as sent, an IPv6 address with its brackets
  std::string_view port;  // digits, at most 65535; empty when there is none
};

// uri-host [ ":" port ] of RFC 9110 7.2, and nothing else: no user, no list, no spaces, not empty.
std::optional<HostPort> parse_host(std::string_view value);

}  // namespace keepsake
