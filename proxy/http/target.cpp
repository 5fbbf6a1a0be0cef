#include "http/target.hpp"

#include <algorithm>

#include "http/chars.hpp"
#include "http/hex.hpp"

namespace keepsake {
namespace {

// Visible ASCII but '#': a fragment never travels, and what follows one is read differently by
// different servers. Other characters that RFC 3986 excludes ('"', '{', '|', ...) come from real
// browsers.
bool is_target_char(char c) {
  return c > ' ' && c < '\x7f' && c != '#';
}

// "http://" or "https://" at the front, of which `size` is then the length.
bool has_web_scheme(std::string_view raw, std::size_t& size) {
  for (const std::string_view scheme :
       {std::string_view{"http://"}, std::string_view{"https://"}}) {
    if (equals_lower(raw.substr(0, scheme.size()), scheme)) {
      size = scheme.size();
      return true;
    }
  }
  return false;
}

void split_origin(std::string_view origin, Target& target) {
  const std::size_t question = origin.find('?');
  target.origin = origin;
  target.path = origin.substr(0, question);
  if (question != std::string_view::npos) {
    target.query = origin.substr(question + 1);
    target.search = origin.substr(question);
  }
}

std::optional<Target> parse_absolute(std::string_view method, std::string_view raw) {
  std::size_t scheme = 0;
  if (!has_web_scheme(raw, scheme)) {
    return std::nullopt;
  }
  const std::size_t end = raw.find_first_of("/?", scheme);
  Target target;
  target.form = TargetForm::Absolute;
  target.https = scheme == std::string_view{"https://"}.size();
  target.authority = raw.substr(scheme, end == std::string_view::npos ? end : end - scheme);
  if (!parse_host(target.authority)) {
    return std::nullopt;
  }
  if (end == std::string_view::npos) {
    const bool whole_server = method == "OPTIONS";
    target.form = whole_server ? TargetForm::Asterisk : TargetForm::Absolute;
    target.path = target.origin = whole_server ? "*" : "/";
    return target;
  }
  split_origin(raw.substr(end), target);
  if (target.path.empty()) {  // RFC 9112 3.2.1: an empty path is "/"
    target.path = "/";
  }
  return target;
}

void decode_unreserved(std::string_view path, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < path.size(); ++i) {
    const int byte = percent_byte(path, i);
    if (byte >= 0 && is_unreserved(static_cast<char>(byte))) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += path[i];
    }
  }
}

// RFC 3986 5.2.4 on a path that begins with '/', in place; false when ".." goes above the root.
bool remove_dot_segments(std::string& path) {
  std::size_t kept = 0;
  for (std::size_t at = 0; at < path.size();) {
    std::size_t end = path.find('/', at + 1);
    const bool last = end == std::string::npos;
    end = last ? path.size() : end;
    const std::string_view segment = std::string_view{path}.substr(at + 1, end - at - 1);
    if (segment == "..") {
      if (kept == 0) {
        return false;
      }
      kept = path.rfind('/', kept - 1);
    }
    if (segment == "." || segment == "..") {
      if (last) {  // "/a/." and "/a/b/.." end in a slash
        path[kept++] = '/';
      }
    } else {
      std::copy(path.begin() + static_cast<std::ptrdiff_t>(at),
                path.begin() + static_cast<std::ptrdiff_t>(end),
                path.begin() + static_cast<std::ptrdiff_t>(kept));
      kept += end - at;
    }
    at = end;
  }
  path.resize(kept);
  return true;
}

}  // namespace

std::optional<Target> parse_target(std::string_view method, std::string_view raw) {
  if (raw.empty() || !std::all_of(raw.begin(), raw.end(), is_target_char)) {
    return std::nullopt;
  }
  if (raw.front() == '/') {
    Target target;
    split_origin(raw, target);
    return target;
  }
  if (raw == "*") {
    if (method != "OPTIONS") {
      return std::nullopt;
    }
    Target target;
    target.form = TargetForm::Asterisk;
    target.path = target.origin = raw;
    return target;
  }
  return parse_absolute(method, raw);
}

std::optional<std::string_view> normalise_path(std::string_view path, std::string& scratch) {
  if (path.find('%') == std::string_view::npos && path.find("/.") == std::string_view::npos) {
    return path;
  }
  decode_unreserved(path, scratch);
  if (!remove_dot_segments(scratch)) {
    return std::nullopt;
  }
  return scratch == path ? path : std::string_view{scratch};
}

}  // namespace keepsake
