#pragma once
// scheme://host[:port]: what browsers write in Origin (RFC 6454 7), what stands at the front of a
// Referer, and what `session.trusted_origins` lists. Only http and https have pages.

#include <optional>
#include <string_view>

namespace keepsake {

struct WebOrigin {
  bool https = false;
  std::string_view host;  // as written; hosts_match compares
  std::string_view port;  // without leading zeros; the scheme's own where none is written
};

// An origin and nothing behind it: "null", a list, a path or a user name is none.
std::optional<WebOrigin> parse_origin(std::string_view text);

// The origin of an absolute http or https URL.
std::optional<WebOrigin> origin_of_url(std::string_view url);

bool operator==(const WebOrigin& a, const WebOrigin& b);

// Ports as texts.
std::string_view without_zeros(std::string_view port);
std::string_view port_of_scheme(bool https);

}  // namespace keepsake
