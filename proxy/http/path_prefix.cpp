#include "http/path_prefix.hpp"

#include "http/hex.hpp"
#include "http/target.hpp"

namespace keepsake {
namespace {}  // namespace

bool is_at_or_below(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

std::string_view strip_prefix(std::string_view path, std::string_view normal,
                              std::string_view prefix, std::string& scratch) {
  if (!is_at_or_below(normal, prefix)) {
    return path;
  }
  const std::string_view rest = normal.substr(prefix.size());
  if (is_at_or_below(path, prefix)) {
    // /api/a/../../api/x begins with /api and is /api/x, but without it leaves the root.
    const std::string_view untouched = path.substr(prefix.size());
    const std::optional<std::string_view> alone = normalise_path(untouched, scratch);
    if (alone && *alone == rest) {
      return untouched;
    }
  }
  return rest;
}

bool stays_below(std::string_view path) {
  int depth = 0;
  std::size_t dots = 0;
  std::size_t others = 0;
  bool counted = false;  // this segment, as a plain reader sees it, has added its one level
  const auto end_piece = [&] {
    if (others == 0 && dots == 2) {
      --depth;
    } else if (others + dots > 1 || others == 1) {
      depth += counted ? 0 : 1;
      counted = true;
    }
    dots = others = 0;
    return depth >= 0;
  };
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool slash = path[i] == '/';
    const int decoded = percent_byte(path, i);
    const char c = decoded < 0 ? path[i] : static_cast<char>(decoded);
    i += decoded < 0 ? 0 : 2;
    if (c == '/' || c == '\\') {
      if (!end_piece()) {
        return false;
      }
      counted = counted && !slash;
    } else {
      ++(c == '.' ? dots : others);
    }
  }
  return end_piece();
}

}  // namespace keepsake
