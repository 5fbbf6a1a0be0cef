#include "process/cookie_risks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/units.hpp"
#include "http/cookie.hpp"
#include "process/describe.hpp"
#include "session/return_cookie.hpp"

namespace keepsake {
namespace {

// What gunicorn, nginx and Apache take for one header line, and Node for half of all.
constexpr std::size_t kLargeHeader = 8 * 1024;
// The text of a session that is kept in a cookie of 4096 bytes.
constexpr std::size_t kCookieText = 2900;

bool is_page(const std::string& location) {
  return location.starts_with('/') && !location.starts_with("//");
}

void secure_risks(const Config& config, std::vector<std::string>& out) {
  const CookieConfig& cookie = config.session.cookie;
  const bool tls = std::any_of(config.listen.begin(), config.listen.end(),
                               [](const ListenConfig& listen) { return listen.tls.has_value(); });
  if (cookie.secure == SecureMode::Never) {
    out.push_back(
        "session.cookie.secure: false: browsers send the session cookie over plain http too");
  } else if (cookie.secure == SecureMode::Auto && !tls && config.trusted_proxies.empty() &&
             !config.trust_unix) {
    out.push_back(
        "session.cookie.secure: auto means never here: clients come over plain http, and no proxy "
        "in trusted_proxies may say that it was https; behind TLS name the proxy there, or write "
        "secure: true");
  }
  if (cookie.secure != SecureMode::Always || !config.trusted_proxies.empty() || config.trust_unix) {
    return;
  }
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    const ListenConfig& listen = config.listen[i];
    if (!listen.tls && !listen.redirect_to_https && !is_loopback(listen.address)) {
      out.push_back(
          fmt::format("session.cookie.secure: true: browsers that come to listen[{}] over plain "
                      "http drop the session cookie{}; a proxy in front that speaks https belongs "
                      "into trusted_proxies, a listener without one needs tls or redirect_to_https",
                      i, cookie.name.starts_with("__") ? " " + cookie.name : std::string{}));
    }
  }
}

// A route's pattern without the "*" of "/x/*".
std::string_view path_of(const RouteConfig& route) {
  std::string_view path = route.path;
  return path.ends_with("/*") ? path.substr(0, path.size() - 1) : path;
}

void scope_risks(const Config& config, std::vector<std::string>& out) {
  const CookieConfig& cookie = config.session.cookie;
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const RouteConfig& route = config.routes[i];
    if (!route.session) {
      continue;
    }
    if (route.host && !cookie.domain.empty() && !domain_covers(cookie.domain, *route.host)) {
      out.push_back(fmt::format(
          "session.cookie.domain: {} is no parent of routes[{}].host: {}: its visitors get a "
          "cookie for that host alone, because browsers would drop the other",
          cookie.domain, i, *route.host));
    }
    if (route.kind == RouteConfig::Kind::Backend) {
      continue;
    }
    if (!path_covers(cookie.path, path_of(route))) {
      out.push_back(fmt::format(
          "session.cookie.path: {} does not cover routes[{}].path: {}: browsers do not send the "
          "cookie there, so that a set begins a new session each time and a clear ends none; use "
          "path: / or an action below {}",
          cookie.path, i, route.path, cookie.path));
    } else if (is_page(route.redirect) &&
               !path_covers(cookie.path, std::string_view{route.redirect}.substr(
                                             0, route.redirect.find_first_of("?#")))) {
      out.push_back(fmt::format(
          "session.cookie.path: {} does not cover routes[{}].redirect: {}: the page after the "
          "action comes without the session",
          cookie.path, i, route.redirect));
    }
  }
}

std::size_t largest_header(const SessionConfig& session, const SessionHeader& header) {
  const bool in_cookie = session.store == SessionStoreKind::Cookie;
  const std::size_t one =
      in_cookie ? std::min<std::size_t>(session.max_value, kCookieText) : session.max_value;
  if (header.source == SessionHeader::Source::Id) {
    return 0;
  }
  if (header.source == SessionHeader::Source::Return) {
    return ReturnCookie::kLongestPage;
  }
  if (header.source == SessionHeader::Source::AllJson) {
    // Text beyond ASCII is written as \uXXXX: three bytes for one of its own.
    const std::size_t all = session.max_values * session.max_value;
    return 3 * (in_cookie ? std::min(all, kCookieText) : all);
  }
  switch (header.encoding) {
    case ValueEncoding::Percent:
    case ValueEncoding::DisplayString:
      return 3 * one;
    case ValueEncoding::Base64:
      return one * 4 / 3;
    case ValueEncoding::Raw:
      break;
  }
  return one;
}

}  // namespace

void cookie_risks(const Config& config, std::vector<std::string>& out) {
  secure_risks(config, out);
  scope_risks(config, out);
  if (config.session.cookie.same_site == SameSite::None) {
    out.push_back(
        "session.cookie.same_site: none: requests that other sites cause carry the session");
  }
}

void header_risks(const Config& config, std::vector<std::string>& out) {
  for (const SessionHeader& header : config.session.headers) {
    const std::size_t size = largest_header(config.session, header);
    if (size > kLargeHeader) {
      out.push_back(fmt::format(
          "session.headers.{}: may grow to {} KiB, and many backends refuse a header of more than "
          "8 KiB, with it every page of that visitor; lower session.max_values or "
          "session.max_value, or raise the limit of the backends",
          header.name, (size + 1023) / 1024));
    }
  }
}

}  // namespace keepsake
