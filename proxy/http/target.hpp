#pragma once
// The request target (RFC 9112 3.2) and its path in the form that routes are matched on. Called by
// read_request and match_route. Views point into the argument; nothing is
// repaired: what is ambiguous has no result.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/host.hpp"

namespace keepsake {

enum class TargetForm : std::uint8_t { Origin, Absolute, Asterisk };

struct Target {
  TargetForm form = TargetForm::Origin;
  bool https = false;  // of an absolute-form
  // From absolute-form, checked as parse_host does. Asterisk has one too when OPTIONS came for
  // "http://host", which RFC 9112 3.2.4 wants forwarded as "*".
  std::string_view authority;
  std::string_view path;    // begins with '/'; "*" in asterisk-form
  std::string_view query;   // without '?'
  std::string_view search;  // the query with its '?'; empty when there is none
  // The bytes to forward: path and search. Without the path where that is "/" and not written, as
  // in http://a?b.
  std::string_view origin;
};

// Empty when the target is malformed, is not of the http or https scheme, or asks for "*" with
// another method than OPTIONS. CONNECT's authority-form is the caller's to refuse before.
std::optional<Target> parse_target(std::string_view method, std::string_view raw);

// The path that routes see: percent-encoded unreserved bytes decoded, dot segments removed (RFC
// 3986 6.2.2.2 and 6.2.2.3), everything else untouched. `path` itself where nothing changes, else a
// view of `scratch`. A '%' without two hexadecimal digits is literal. Empty when the dot segments
// lead out of the root.
std::optional<std::string_view> normalise_path(std::string_view path, std::string& scratch);

}  // namespace keepsake
