#pragma once
// What a proxy in front says of the request for which it asks Keepsake (forward auth): the method
// and the page of its client. Pure text; believed of trusted proxies alone, by the caller.

#include <optional>
#include <string_view>

#include "http/head.hpp"

namespace keepsake {

struct OriginalRequest {
  std::optional<Method> method;  // Get, Head or Other; empty: not told
  std::string_view page;  // path and query; empty: not told, or nothing that stays on this host
};

// X-Forwarded-Method and X-Forwarded-Uri (Caddy, Traefik) count before X-Original-Method,
// X-Original-URI and X-Original-URL (nginx, ingress-nginx). Of several lines the last is the
// nearest proxy's. A URL loses its scheme and host.
OriginalRequest read_original_request(const RequestHead& head);

}  // namespace keepsake
