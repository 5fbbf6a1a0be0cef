#pragma once
// The address that the visitor asked for: scheme, host and port, from the connection and the
// request, or from what a trusted proxy says of them. The one answer for the backend's X-Forwarded
// lines, the cookie, `bind_host`, the cross-site check, redirects and logs. `host:` routes and the
// Host that backends get go by the Host that was received.

#include <string_view>

namespace keepsake {

struct Exchange;

struct VisitedSite {
  bool https = false;
  std::string_view host;  // as received, with its port; empty: not known
  std::string_view name;  // lower case, without port and trailing dot
  std::string_view port;  // as stated, without leading zeros; empty: the scheme's

  // Never empty.
  std::string_view port_or_scheme() const;
};

// Fills x.site, once the request's fields and its host are known. Of a forwarding header that came
// several times the last line counts, and of that its last element: the nearest proxy wrote it.
void find_visited_site(Exchange& x);

// For `secure: auto`.
bool client_uses_https(const Exchange& x);

}  // namespace keepsake
