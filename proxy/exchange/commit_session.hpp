#pragma once
// Step 5: what this exchange did to the visitor's session goes back into the cookie, and caches are
// told. Adds lines to the response head; never changes a body.

#include "exchange/exchange.hpp"
#include "io/task.hpp"

namespace keepsake {

Task<void> commit_session(Exchange& x);

// Seals the session as it would be sent now and tells whether browsers would keep the cookie (name
// and value within 4096 bytes). For actions, which must refuse before they promise.
bool fits_cookie(Exchange& x);

// The header lines that a response of Keepsake's own starts with are in write_response; this one is
// the pair that says "do not store": used where no cookie is set.
inline constexpr std::string_view kNoStore = "Cache-Control: no-store\r\n";

}  // namespace keepsake
