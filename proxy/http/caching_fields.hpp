#pragma once
// Which fields of a response say how long a cache may keep it: those of HTTP (RFC 9111 5), and
// those that address caches of a kind (RFC 9213: every "...CDN-Cache-Control") or of a maker. Asked
// by commit_session and route_rules.

#include <string_view>

#include "http/chars.hpp"

namespace keepsake {

inline bool is_about_caching(std::string_view name) {
  constexpr std::string_view kTargeted = "cdn-cache-control";
  for (const std::string_view known : {"cache-control", "expires", "pragma", "surrogate-control",
                                       "edge-control", "x-accel-expires"}) {
    if (equals_lower(name, known)) {
      return true;
    }
  }
  return name.size() >= kTargeted.size() &&
         equals_lower(name.substr(name.size() - kTargeted.size()), kTargeted);
}

}  // namespace keepsake
