#include "http/origin.hpp"

#include "http/chars.hpp"
#include "http/host.hpp"

namespace keepsake {

namespace {

bool take_scheme(std::string_view& url, bool& https) {
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kHttps = "https://";
  https = equals_lower(url.substr(0, kHttps.size()), kHttps);
  if (!https && !equals_lower(url.substr(0, kHttp.size()), kHttp)) {
    return false;
  }
  url.remove_prefix(https ? kHttps.size() : kHttp.size());
  return true;
}

std::optional<WebOrigin> read_authority(std::string_view authority, bool https) {
  const std::optional<HostPort> parsed = parse_host(authority);
  if (!parsed) {
    return std::nullopt;
  }
  const std::string_view port = without_zeros(parsed->port);
  return WebOrigin{https, parsed->host, port.empty() ? port_of_scheme(https) : port};
}

}  // namespace

std::optional<WebOrigin> parse_origin(std::string_view text) {
  bool https = false;
  return take_scheme(text, https) ? read_authority(text, https) : std::nullopt;
}

std::optional<WebOrigin> origin_of_url(std::string_view url) {
  bool https = false;
  if (!take_scheme(url, https)) {
    return std::nullopt;
  }
  return read_authority(url.substr(0, url.find_first_of("/?#")), https);
}

bool operator==(const WebOrigin& a, const WebOrigin& b) {
  return a.https == b.https && hosts_match(a.host, b.host) && a.port == b.port;
}

std::string_view without_zeros(std::string_view port) {
  while (port.size() > 1 && port.front() == '0') {
    port.remove_prefix(1);
  }
  return port;
}

std::string_view port_of_scheme(bool https) {
  return https ? "443" : "80";
}

}  // namespace keepsake
