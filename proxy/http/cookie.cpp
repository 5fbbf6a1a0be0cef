#include "http/cookie.hpp"

#include <fmt/format.h>

#include <iterator>

#include "http/chars.hpp"
#include "http/cookie_line.hpp"
#include "http/date.hpp"

namespace keepsake {
namespace {

bool has_prefix(std::string_view name) {
  return equals_lower(name.substr(0, 7), "__host-") || equals_lower(name.substr(0, 9), "__secure-");
}

void append_attributes(const CookieAttributes& cookie, bool with_age, std::string& out) {
  if (!cookie.path.empty()) {
    out += "; Path=";
    out += cookie.path;
  }
  if (cookie.http_only) {
    out += "; HttpOnly";
  }
  if (!cookie.same_site.empty()) {
    out += "; SameSite=";
    out += cookie.same_site;
  }
  if (!cookie.domain.empty()) {
    out += "; Domain=";
    out += cookie.domain;
  }
  if (with_age && cookie.max_age) {
    fmt::format_to(std::back_inserter(out), "; Max-Age={}", *cookie.max_age);
  }
  if (with_age && cookie.expires) {
    out += "; Expires=";
    append_http_date(*cookie.expires, out);
  }
  if (cookie.secure) {
    out += "; Secure";
  }
  if (cookie.partitioned) {
    out += "; Partitioned";
  }
}

}  // namespace

bool is_cookie_of(std::string_view part, std::string_view name) {
  part = trim(part);
  // Most parts are others' cookies, and most of those begin otherwise.
  if (part.empty() || to_lower(part.front()) != to_lower(name.front())) {
    return false;
  }
  const std::string_view found = cookie_name(part);
  return found == name || (has_prefix(name) && equals_ignoring_case(found, name));
}

bool append_without_cookie(std::string_view cookie_line, std::string_view name, std::string& out) {
  return append_cookies_without(
      cookie_line, [name](std::string_view part) { return is_cookie_of(part, name); }, out);
}

void append_set_cookie(const CookieAttributes& attributes, std::string_view value,
                       std::string& out) {
  out += attributes.name;
  out += '=';
  out += value;
  append_attributes(attributes, true, out);
}

void append_clear_cookie(const CookieAttributes& attributes, std::string& out) {
  out += attributes.name;
  // Both ages: Max-Age wins where it is known, Expires is for what is older.
  out += "=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
  append_attributes(attributes, false, out);
}

bool domain_covers(std::string_view domain, std::string_view host) {
  if (equals_ignoring_case(domain, host)) {
    return true;
  }
  return host.size() > domain.size() && host[host.size() - domain.size() - 1] == '.' &&
         equals_ignoring_case(host.substr(host.size() - domain.size()), domain);
}

bool path_covers(std::string_view cookie_path, std::string_view path) {
  return path.starts_with(cookie_path) &&
         (path.size() == cookie_path.size() || cookie_path.ends_with('/') ||
          path[cookie_path.size()] == '/');
}

bool set_cookie_names(std::string_view set_cookie_value, std::string_view name) {
  const std::string_view pair = trim(set_cookie_value.substr(0, set_cookie_value.find(';')));
  if (!pair.empty() && pair.front() == '=') {
    // A cookie without a name is sent back as its value alone: "=session=x" becomes "session=x".
    return is_cookie_of(trim(pair.substr(1)), name);
  }
  return is_cookie_of(pair, name);
}

}  // namespace keepsake
