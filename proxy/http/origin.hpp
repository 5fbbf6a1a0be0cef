#pragma once
// scheme://host[:port]: what browsers write in Origin (RFC 6454 7), what stands at the front of a
// Referer, and what `session.trusted_origins` lists. Only http and https have pages.

#include <optional>
#include <string_view>

namespace keepsake {

struct WebOrigin {
  bool https = false;
  std::string_view host;  // as written; same_host compares
  std::string_view port;  // without leading zeros; the scheme's own where none is written
};

// An origin and nothing behind it: "null", a list, a path or a user name is none.
std::optional<WebOrigin> parse_origin(std::string_view text);

// The origin of an absolute http or https URL.
std::optional<WebOrigin> origin_of_url(std::string_view url);

// Neither letter case nor one trailing dot makes another host.
bool same_host(std::string_view a, std::string_view b);

bool operator==(const WebOrigin& a, const WebOrigin& b);

std::string_view without_dot(std::string_view host);
std::string_view without_zeros(std::string_view port);
std::string_view port_of_scheme(bool https);

}  // namespace keepsake
