#pragma once
// The headers by which a backend learns of the visitor: session values, and the assertion that they
// came through Keepsake. Appended after everything of the client's was taken out, so nothing can
// take them out again.

#include <string>
#include <vector>

#include "exchange/exchange.hpp"

namespace keepsake {

void inject_session(Exchange& x, std::string& out);

// The header of a backend's `assertion`, over the request's method and target, the time and the
// session headers that inject_session appended at `out[headers_at...]`:
//
//   X-Keepsake-Assertion: v1 t=<unix seconds> h=<names, lower case, comma> s=<hex HMAC-SHA256>
//
// whose MAC is over "keepsake assertion v1\n" METHOD "\n" TARGET "\n" t "\n" and, for each name in
// h, name ":" value "\n". h has every configured session header; an absent one counts with an empty
// value.
void inject_assertion(Exchange& x, std::string_view secret, std::size_t headers_at,
                      std::string& out);

}  // namespace keepsake
