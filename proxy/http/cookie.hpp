#pragma once
// Cookie and Set-Cookie lines (RFC 6265bis). Called by attach_session, forward_request and
// commit_session. Everything but our own cookie stays byte for byte; nothing here opens a cookie.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keepsake {

// Whether a part of a Cookie line is a cookie of that name. Case variants are, too, when `name`
// begins with a __Host- or __Secure- prefix, as browsers compare those without case.
bool is_cookie_of(std::string_view part, std::string_view name);

// Appends the line less our cookie, each other cookie byte for byte and in order; whether there was
// anything of ours. Appends nothing when nothing is left; the caller then drops the line.
bool append_without_cookie(std::string_view cookie_line, std::string_view name, std::string& out);

struct CookieAttributes {
  std::string_view name;
  std::string_view path;                // empty: no Path
  std::string_view domain;              // empty: no Domain
  std::optional<std::int64_t> max_age;  // seconds; empty: until the browser closes
  std::optional<std::int64_t> expires;  // unix seconds; beside max_age, for what is older than it
  bool secure = false;
  bool http_only = true;
  bool partitioned = false;
  std::string_view same_site;  // "Lax", "Strict" or "None"; empty: no SameSite
};

// Appends the value of a Set-Cookie field.
void append_set_cookie(const CookieAttributes& attributes, std::string_view value,
                       std::string& out);

// The same for the cookie's end: exactly the attributes that setting it would have, but its age.
void append_clear_cookie(const CookieAttributes& attributes, std::string& out);

// Whether a browser takes a cookie with that Domain from `host` (RFC 6265bis 5.1.3); both without
// port.
bool domain_covers(std::string_view domain, std::string_view host);

// Whether a browser sends a cookie with that Path to `path` (RFC 6265bis 5.1.4).
bool path_covers(std::string_view cookie_path, std::string_view path);

// Whether a backend's Set-Cookie value is for our cookie's name, as a browser would read it.
bool set_cookie_names(std::string_view set_cookie_value, std::string_view name);

}  // namespace keepsake
