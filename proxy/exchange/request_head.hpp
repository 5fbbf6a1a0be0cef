#pragma once
// The head that the backend gets: the client's own lines as they came, less what is hop-by-hop,
// forged or ours, plus what Keepsake adds. Plain text work for forward_request.

#include <string>

#include "exchange/exchange.hpp"

namespace keepsake {

// Appends the whole head to `out`. Counts spoofed headers.
void append_request_head(Exchange& x, const ServerConfig& server, std::string& out);

// The Host that this backend's server gets.
void append_backend_host(const Exchange& x, const ServerConfig& server, std::string& out);

}  // namespace keepsake
