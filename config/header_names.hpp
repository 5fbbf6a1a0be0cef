#pragma once
// Which header names a configuration may give a meaning to, and which stay Keepsake's own. Used by
// the validation; every comparison is made after folding, as backends may see the names.

#include <map>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace keepsake {

// Case, and every byte that is not a letter or digit, taken away: what some backend takes for
// equal.
std::string fold_header_name(std::string_view name);

// True if no session value and no client certificate's subject may stand in this header: the proxy
// reads or writes it, so another value would change how a request is framed and forwarded
// (RFC 9110 7.6.1, RFC 9112 6) or hide what the cross-site check looks at.
bool is_reserved_for_injection(std::string_view name);

// True if Keepsake decides whether, and with which value, a request to a backend has this header.
bool is_decided_in_requests(std::string_view name, const Config& config);
// The same for a response to a client; `with_session`: of a route that works with sessions.
bool is_decided_in_responses(std::string_view name, bool with_session);

// What this configuration injects into requests: folded name -> name as written.
std::map<std::string, std::string> injected_headers(const Config& config);

}  // namespace keepsake
