#pragma once
// The one thing that certificates, requests and configuration agree on about host names.

#include <string_view>

namespace keepsake {

// "a.example." is "a.example" with the root of the DNS written out (RFC 1034 3.1): one trailing dot
// is left out before names are compared or sent as SNI (RFC 6066 3).
constexpr std::string_view without_root_dot(std::string_view name) {
  return name.size() > 1 && name.back() == '.' ? name.substr(0, name.size() - 1) : name;
}

}  // namespace keepsake
