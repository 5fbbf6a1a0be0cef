#pragma once
// The answer to a proxy in front that asks whether its client has a session (forward auth): nginx
// auth_request, Caddy forward_auth, Traefik ForwardAuth, Envoy ext_authz. guard_route has judged
// `require` by then.

#include "base/error.hpp"
#include "exchange/exchange.hpp"

namespace keepsake {

// 200 without a body, with the session headers as response headers.
Fault run_verify(Exchange& x);

}  // namespace keepsake
