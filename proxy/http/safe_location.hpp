#pragma once
// Whether a Location that a visitor had a hand in stays on this host, however a browser reads it.
// Pure text; called where a return cookie or a Referer says where an action leads.

#include <string_view>

namespace keepsake {

// A path and query that begin with one '/', not followed by '/' or '\', and that have no '\' and no
// control byte anywhere, neither raw nor percent-encoded. Raw bytes are visible ASCII.
bool is_safe_location(std::string_view location);

}  // namespace keepsake
