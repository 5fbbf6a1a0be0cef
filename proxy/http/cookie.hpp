#pragma once
// Cookie and Set-Cookie lines (RFC 6265bis). Called by attach_session, forward_request and
// commit_session. Everything but our own cookie stays byte for byte; nothing here opens a cookie.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keepsake {

// Values of our name, in order, over all Cookie lines of a request. More than four are not looked
// at: a visitor has one, and each costs a decryption.
struct CookieCandidates {
  std::array<std::string_view, 4> values{};
  std::size_t count = 0;
  bool seen = false;  // our name occurred in any shape, also as one that is never opened
};

// Adds what `cookie_line` holds. Names are compared exactly; a quoted value is no candidate.
void collect_candidates(std::string_view cookie_line, std::string_view name,
                        CookieCandidates& found);

// Appends the line less our cookie, each other cookie byte for byte and in order; whether there was
// anything of ours. Appends nothing when nothing is left; the caller then drops the line. Case
// variants are ours too when `name` begins with a __Host- or __Secure- prefix, as browsers compare
// those without case.
bool append_without_cookie(std::string_view cookie_line, std::string_view name, std::string& out);

struct CookieAttributes {
  std::string_view name;
  std::string_view path;                // empty: no Path
  std::string_view domain;              // empty: no Domain
  std::optional<std::int64_t> max_age;  // seconds; empty: until the browser closes
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

// Whether a backend's Set-Cookie value is for our cookie's name, as a browser would read it.
bool set_cookie_names(std::string_view set_cookie_value, std::string_view name);

}  // namespace keepsake
