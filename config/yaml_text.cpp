#include "config/yaml_text.hpp"

#include <algorithm>

#include "http/utf8.hpp"

namespace keepsake {
namespace {

bool is_ipv6_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
         c == '.';
}

// Two colons or more with nothing but the bytes of an IPv6 address between: "::1", "2001:db8::".
bool holds_ipv6(std::string_view row) {
  for (std::size_t i = 0; i < row.size();) {
    std::size_t end = i;
    while (end < row.size() && is_ipv6_byte(row[end])) {
      ++end;
    }
    const std::string_view run = row.substr(i, end - i);
    if (run.find("::") != std::string_view::npos || std::count(run.begin(), run.end(), ':') > 2) {
      return true;
    }
    i = end + 1;
  }
  return false;
}

}  // namespace

std::string_view line_of(std::string_view text, int line) {
  for (; line > 1; --line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      return {};
    }
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// The place of the first byte that is neither well-formed UTF-8 (RFC 3629) nor printable; the BOM
// that some editors write is fine.
std::optional<Position> find_bad_byte(std::string_view text) {
  Position at{1, 1};
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_utf8(text, i);
    const bool control = point.value < 0x20 || point.value == 0x7F;
    const bool blank = point.value == '\n' || point.value == '\r' || point.value == '\t';
    if (point.size == 0 || (control && !blank)) {
      return at;
    }
    i += point.size;
    at = point.value == '\n' ? Position{at.line + 1, 1} : Position{at.line, at.column + 1};
  }
  return std::nullopt;
}

std::optional<Position> find_tab_indent(std::string_view text) {
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    const std::string_view row = text.substr(0, end);
    const std::size_t first = row.find_first_not_of(" \t\r");
    const std::size_t tab = row.find('\t');
    if (tab != std::string_view::npos && tab < std::min(first, row.size())) {
      return Position{line, static_cast<int>(tab) + 1};
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return std::nullopt;
}

std::string flow_hint(std::string_view text, int line) {
  const std::string_view row = line_of(text, line);
  std::size_t bracket = row.find_first_of("[{");
  while (bracket != std::string_view::npos && bracket > 0 && row[bracket - 1] == '$') {
    bracket = row.find_first_of("[{", bracket + 1);  // the brace of a ${ opens nothing
  }
  if (bracket == std::string_view::npos) {
    return {};
  }
  if (row.find("${") != std::string_view::npos) {
    return "; ${...} inside [ ] or { } needs quotes: \"${NAME}\"";
  }
  if (holds_ipv6(row)) {
    return "; an IPv6 address needs quotes here, as in \"[::1]:8080\"";
  }
  return {};
}

}  // namespace keepsake
