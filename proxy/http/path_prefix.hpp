#pragma once
// Prefixes of a path by whole segments, for routes that take one away or put one in front. Called
// by rewrite_head.

#include <string>
#include <string_view>

namespace keepsake {

// Whether `path` is `prefix` or continues it with a slash. Both in normal form.
bool is_at_or_below(std::string_view path, std::string_view prefix);

// `path`, as it came, without its first segments `prefix` (in normal form), if it begins with them.
// Bytes are untouched where what is left means the same alone; where the prefix was written in
// another way (%61pi, /x/../api) the rest of `normal`, the same path as normalise_path gives it,
// takes their place. `scratch` is overwritten; the result never points into it.
std::string_view strip_prefix(std::string_view path, std::string_view normal,
                              std::string_view prefix, std::string& scratch);

// Whether `path` nowhere has more ".." than segments before them, neither as it stands nor for a
// backend that decodes it and takes encoded slashes, backslashes or both for slashes. Behind a
// prefix such a path cannot climb out of it.
bool stays_below(std::string_view path);

}  // namespace keepsake
