#pragma once
// The cookies of one Cookie line, one after the other (RFC 6265bis 5.8.3), and the line without
// some of them. Called by attach_session, which looks for the session, and by request_head, which
// keeps it from the backend.

#include <string>
#include <string_view>

#include "http/chars.hpp"

namespace keepsake {

// What stands between the semicolons. Quotes do not protect a semicolon: RFC 6265 has no such
// thing, and a reader that thinks so must not find our cookie inside.
class CookieLine {
 public:
  explicit CookieLine(std::string_view line) : rest_(line) {}

  // The next part with its white space; false behind the last.
  bool next(std::string_view& part) {
    if (done_) {
      return false;
    }
    const std::size_t end = rest_.find(';');
    part = rest_.substr(0, end);
    done_ = end == std::string_view::npos;
    rest_.remove_prefix(done_ ? rest_.size() : end + 1);
    return true;
  }

 private:
  std::string_view rest_;
  bool done_ = false;
};

// "a=b" is named a, and so is a bare "a": servers differ on that one, and ours must not slip
// through.
inline std::string_view cookie_name(std::string_view part) {
  part = trim(part);
  return trim(part.substr(0, part.find('=')));
}

// Behind "NAME=", or empty where there is none; a space before the equals sign makes it another's.
inline std::string_view cookie_value(std::string_view part, std::string_view name) {
  part = trim(part);
  const bool assigned = part.size() > name.size() && part[name.size()] == '=';
  return assigned ? part.substr(name.size() + 1) : std::string_view{};
}

// Appends the line less the parts for which drops(part) is true, each other part byte for byte and
// in order; whether there was any. Appends nothing when nothing is left; the caller then drops the
// line.
template <class Drops>
bool append_cookies_without(std::string_view line, Drops drops, std::string& out) {
  const std::size_t begin = out.size();
  bool dropped = false;
  bool kept = false;
  bool visible = false;
  CookieLine parts{line};
  std::string_view part;
  for (bool first = true; parts.next(part); first = false) {
    if (drops(part)) {
      dropped = true;
      continue;
    }
    if (kept) {
      out += ';';
    } else if (!first) {  // the space belonged to the separator that went
      part.remove_prefix(static_cast<std::size_t>(trim(part).data() - part.data()));
    }
    kept = true;
    visible = visible || !trim(part).empty();
    out += part;
  }
  if (dropped && !visible) {
    out.resize(begin);
  }
  return dropped;
}

}  // namespace keepsake
