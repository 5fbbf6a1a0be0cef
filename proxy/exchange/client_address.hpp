#pragma once
// Who the client is: the peer, or what trusted proxies say of whom they serve. The one answer for
// rate limits, allow and deny lists and the logs; worked out at first use.

#include <string_view>

#include "exchange/exchange.hpp"

namespace keepsake {

// The rightmost address that is not itself in trusted_proxies: of X-Forwarded-For, or, where that
// is not sent, of Forwarded. The peer's own if it is not trusted. All zero on a unix socket, unless
// what stands there is trusted to tell it.
const IpAddress& client_address(Exchange& x);

bool has_client_address(Exchange& x);

// The address as text; "unix" if there is none.
std::string_view client_text(Exchange& x);

}  // namespace keepsake
