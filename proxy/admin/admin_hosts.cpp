#include "admin/admin_hosts.hpp"

#include <algorithm>
#include <array>

#include "base/address.hpp"
#include "http/chars.hpp"

namespace keepsake {
namespace {

// Names that stay inside of a machine, a local network or a cluster (RFC 6762, RFC 9476; the
// service names of Kubernetes).
constexpr std::array<std::string_view, 4> kInside{".local", ".internal", ".svc", ".cluster.local"};

bool is_port(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

bool is_bracketed_ip(std::string_view host) {
  const std::size_t end = host.find(']');
  if (end == std::string_view::npos) {
    return false;
  }
  const std::string_view behind = host.substr(end + 1);
  return (behind.empty() || (behind.starts_with(':') && is_port(behind.substr(1)))) &&
         parse_ip(host.substr(1, end - 1)).has_value();
}

}  // namespace

bool is_admin_host(std::string_view host, const std::vector<std::string>& more) {
  if (host.empty()) {
    return true;
  }
  if (host.starts_with('[')) {
    return is_bracketed_ip(host);
  }
  if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    if (!is_port(host.substr(colon + 1))) {
      return false;
    }
    host = host.substr(0, colon);
  }
  if (host.ends_with('.')) {
    host.remove_suffix(1);
  }
  std::string name{host};
  std::transform(name.begin(), name.end(), name.begin(), to_lower);
  if (name.empty() || !is_name(name)) {
    return false;
  }
  const auto ends_so = [&name](std::string_view end) {
    return name.size() > end.size() && name.ends_with(end);
  };
  return name.find('.') == std::string::npos || parse_ip(name).has_value() ||
         std::any_of(kInside.begin(), kInside.end(), ends_so) ||
         std::find(more.begin(), more.end(), name) != more.end();
}

}  // namespace keepsake
