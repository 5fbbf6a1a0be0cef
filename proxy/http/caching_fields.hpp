#pragma once
// Which fields of a response say how long a cache may keep it: those of HTTP (RFC 9111 5), and
// those that address caches of a kind (RFC 9213: every "...CDN-Cache-Control") or of a maker. Asked
// by commit_session and route_rules.

#include <string_view>

#include "http/chars.hpp"

namespace keepsake {

// By the length first: most fields of a response have none of these. A route with `require` asks
// this of every field.
inline bool is_about_caching(std::string_view name) {
  constexpr std::string_view kTargeted = "cdn-cache-control";
  switch (name.size()) {
    case 6:
      return equals_lower(name, "pragma");
    case 7:
      return equals_lower(name, "expires");
    case 12:
      return equals_lower(name, "edge-control");
    case 13:
      return equals_lower(name, "cache-control");
    case 15:
      return equals_lower(name, "x-accel-expires");
    default:
      return name.size() >= kTargeted.size() &&
             (equals_lower(name.substr(name.size() - kTargeted.size()), kTargeted) ||
              equals_lower(name, "surrogate-control"));
  }
}

}  // namespace keepsake
