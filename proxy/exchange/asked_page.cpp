#include "exchange/asked_page.hpp"

#include "exchange/services.hpp"
#include "http/original_request.hpp"
#include "http/safe_location.hpp"

namespace keepsake {

namespace {

// Envoy asks with the client's own target behind the path of the route: /verify/account?tab=2.
std::string_view behind_prefix(const Exchange& x) {
  std::string_view pattern = x.route->path;
  if (!pattern.ends_with("/*")) {
    return {};
  }
  pattern.remove_suffix(2);
  const std::string_view target = x.target.origin;
  if (!target.starts_with(pattern) || !is_safe_location(target.substr(pattern.size()))) {
    return {};
  }
  return target.substr(pattern.size());
}

}  // namespace

std::string_view asked_page(const Exchange& x) {
  if (x.route->kind != RouteConfig::Kind::Verify) {
    return x.target.origin;
  }
  if (!x.client.peer.trusted) {
    return {};
  }
  const std::string_view told = read_original_request(x.work.request).page;
  return told.empty() ? behind_prefix(x) : told;
}

Method asked_method(const Exchange& x) {
  if (x.route->kind == RouteConfig::Kind::Verify && x.client.peer.trusted) {
    return read_original_request(x.work.request).method.value_or(x.work.request.method);
  }
  return x.work.request.method;
}

}  // namespace keepsake
