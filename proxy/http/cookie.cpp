#include "http/cookie.hpp"

#include <fmt/format.h>

#include <iterator>

#include "http/chars.hpp"

namespace keepsake {
namespace {

bool has_prefix(std::string_view name) {
  return equals_lower(name.substr(0, 7), "__host-") || equals_lower(name.substr(0, 9), "__secure-");
}

enum class Match { None, Variant, Exact };

Match match_name(std::string_view found, std::string_view name) {
  if (found == name) {
    return Match::Exact;
  }
  return has_prefix(name) && equals_ignoring_case(found, name) ? Match::Variant : Match::None;
}

// Calls visit(part, first) for what stands between the semicolons. Quotes do not protect a
// semicolon: RFC 6265 has no such thing, and a reader that thinks so must not find our cookie
// inside.
template <class Visit>
void for_each_part(std::string_view line, Visit&& visit) {
  for (bool first = true;; first = false) {
    const std::size_t end = line.find(';');
    visit(line.substr(0, end), first);
    if (end == std::string_view::npos) {
      return;
    }
    line.remove_prefix(end + 1);
  }
}

// "a=b" is named a, and so is a bare "a": servers differ on that one, and ours must not slip
// through.
Match match_part(std::string_view part, std::string_view name) {
  part = trim(part);
  // Most parts are others' cookies, and most of those begin otherwise.
  if (part.empty() || to_lower(part.front()) != to_lower(name.front())) {
    return Match::None;
  }
  return match_name(trim(part.substr(0, part.find('='))), name);
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
  if (cookie.secure) {
    out += "; Secure";
  }
  if (cookie.partitioned) {
    out += "; Partitioned";
  }
}

}  // namespace

void collect_candidates(std::string_view cookie_line, std::string_view name,
                        CookieCandidates& found) {
  for_each_part(cookie_line, [&](std::string_view part, bool) {
    const std::string_view pair = trim(part);
    if (match_part(pair, name) != Match::Exact) {
      return;
    }
    found.seen = true;
    const bool assigned = pair.size() > name.size() && pair[name.size()] == '=';
    const std::string_view value = assigned ? pair.substr(name.size() + 1) : std::string_view{};
    if (!value.empty() && value.front() != '"' && found.count < found.values.size()) {
      found.values[found.count++] = value;
    }
  });
}

bool append_without_cookie(std::string_view cookie_line, std::string_view name, std::string& out) {
  const std::size_t begin = out.size();
  bool dropped = false;
  bool kept = false;
  bool visible = false;
  for_each_part(cookie_line, [&](std::string_view part, bool first) {
    if (match_part(part, name) != Match::None) {
      dropped = true;
      return;
    }
    if (kept) {
      out += ';';
    } else if (!first) {  // the space belonged to the separator that went
      part.remove_prefix(static_cast<std::size_t>(trim(part).data() - part.data()));
    }
    kept = true;
    visible = visible || !trim(part).empty();
    out += part;
  });
  if (dropped && !visible) {
    out.resize(begin);
  }
  return dropped;
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

bool set_cookie_names(std::string_view set_cookie_value, std::string_view name) {
  const std::string_view pair = trim(set_cookie_value.substr(0, set_cookie_value.find(';')));
  if (!pair.empty() && pair.front() == '=') {
    // A cookie without a name is sent back as its value alone: "=session=x" becomes "session=x".
    return match_part(trim(pair.substr(1)), name) != Match::None;
  }
  return match_part(pair, name) != Match::None;
}

}  // namespace keepsake
