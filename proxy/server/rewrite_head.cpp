#include "server/rewrite_head.hpp"

#include "http/hex.hpp"
#include "server/worker.hpp"

namespace keepsake {

namespace {

bool is_at_or_below(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

// Whether `path` has fewer ".." than segments before them, wherever it is cut off, even for a
// backend that takes an encoded slash or a backslash for a slash. A path that was put below a
// prefix must not climb out of it.
bool stays_below(std::string_view path) {
  int depth = 0;
  std::size_t dots = 0;
  std::size_t others = 0;
  const auto end_segment = [&] {
    const bool up = others == 0 && dots == 2;
    const bool nothing = others == 0 && dots <= 1;
    depth += up ? -1 : nothing ? 0 : 1;
    dots = others = 0;
    return depth >= 0;
  };
  for (std::size_t i = 0; i < path.size(); ++i) {
    const int decoded = percent_byte(path, i);
    const char c = decoded < 0 ? path[i] : static_cast<char>(decoded);
    i += decoded < 0 ? 0 : 2;
    if (c == '/' || c == '\\') {
      if (!end_segment()) {
        return false;
      }
    } else {
      ++(c == '.' ? dots : others);
    }
  }
  return end_segment();
}

}  // namespace

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

Fault rewrite_target(Exchange& x) {
  const RewriteConfig& rewrite = x.route->rewrite;
  std::string_view path = x.target.path;
  if (!rewrite.strip_prefix.empty()) {
    path = strip_prefix(path, x.path, rewrite.strip_prefix, x.work.scratch);
  }
  if (!stays_below(path)) {
    x.note = "climbs out of the rewritten prefix";
    return Fault::BadTarget;
  }
  std::string& target = x.work.target;
  target.assign(rewrite.add_prefix).append(path);
  if (target.empty()) {
    target = "/";
  }
  target.append(x.target.origin.substr(x.target.path.size()));
  x.target.origin = target;
  return Fault::None;
}

void mark_rewritten_lines(Exchange& x) {
  const HeaderNames& names = x.rules->response_names;
  for (Field& field : x.work.response.fields) {
    field.drop = field.drop || names.has(field.name);
  }
}

}  // namespace keepsake
