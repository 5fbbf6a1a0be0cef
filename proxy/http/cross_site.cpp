#include "http/cross_site.hpp"

#include "http/chars.hpp"
#include "http/target.hpp"

namespace keepsake {
namespace {

// A port without leading zeros, or the scheme's own where none is given.
std::string_view port_or(std::string_view port, std::string_view scheme_port) {
  while (port.size() > 1 && port.front() == '0') {
    port.remove_prefix(1);
  }
  return port.empty() ? scheme_port : port;
}

// Whether scheme://host[:port] of `url` is at `host`. The port that Host leaves out is the one of
// the url's scheme: which scheme the visitor used is not always known behind a balancer.
bool same_place(std::string_view url, std::string_view host, bool path_allowed) {
  std::string_view scheme_port;
  if (equals_lower(url.substr(0, 7), "http://")) {
    url.remove_prefix(7);
    scheme_port = "80";
  } else if (equals_lower(url.substr(0, 8), "https://")) {
    url.remove_prefix(8);
    scheme_port = "443";
  } else {
    return false;
  }
  const std::size_t end = url.find_first_of("/?#");
  if (end != std::string_view::npos && !path_allowed) {
    return false;
  }
  const auto theirs = parse_host(url.substr(0, end));
  const auto ours = parse_host(host);
  return theirs && ours && equals_ignoring_case(theirs->host, ours->host) &&
         port_or(theirs->port, scheme_port) == port_or(ours->port, scheme_port);
}

}  // namespace

bool cross_site(const SiteHints& hints) {
  if (hints.sec_fetch_site) {
    return *hints.sec_fetch_site != "same-origin" && *hints.sec_fetch_site != "none";
  }
  if (hints.origin) {
    return !same_place(*hints.origin, hints.host, false);
  }
  return hints.referer && !same_place(*hints.referer, hints.host, true);
}

}  // namespace keepsake
