#pragma once
// A path as the most tolerant backend might read it: what differs only in ways that some server
// ignores folds to the same text. Called by the route table and its validation, so that no spelling
// of a path goes around a guarded route. Pure text.

#include <string>
#include <string_view>

namespace keepsake {

// True if fold_path would leave `path` as it is. `path` is in the normal form of normalise_path.
bool is_folded(std::string_view path);

// Lower case; repeated slashes, %2f, '\' and %5c as one slash; without the ;parameters of segments;
// then without dot segments, where ".." at the root stays at the root (RFC 3986 5.2.4).
void fold_path(std::string_view path, std::string& out);

// The same for the path of a route, whose "/*" stays where it is.
std::string fold_pattern(std::string_view pattern);

}  // namespace keepsake
