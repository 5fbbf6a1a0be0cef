#pragma once
// The heads that the client gets from a backend's: its own lines as they came, less what is
// hop-by-hop or ours to say. Plain text work for forward_request, relay_upgrade and write_response.

#include <string>

#include "exchange/exchange.hpp"

namespace keepsake {

// Marks the lines of x.work.response that do not pass (drop = true): hop-by-hop, framing,
// X-Session-*, a Set-Cookie with our name, what the route rewrites. Called once per final head,
// before commit_session looks at what is left.
void mark_response_lines(Exchange& x);

// Status line and lines that are not marked, and the Date of a final response that has none;
// framing and the empty line are the caller's.
void append_response_lines(const Exchange& x, std::string& out);

void append_interim_head(Exchange& x, std::string& out);
void append_switching_head(Exchange& x, std::string& out);

}  // namespace keepsake
