#pragma once
// The Date field. Called by write_response once a second per worker.

#include <cstdint>
#include <string>

namespace keepsake {

// IMF-fixdate (RFC 9110 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". Years 0001 to 9999; times outside
// are clamped.
void append_http_date(std::int64_t unix_seconds, std::string& out);

}  // namespace keepsake
