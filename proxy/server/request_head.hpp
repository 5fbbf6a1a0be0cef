#pragma once
// The head that the backend gets: the client's own lines as they came, less what is hop-by-hop,
// forged or ours, plus what Keepsake adds. Plain text work for forward_request.

#include <string>

#include "server/exchange.hpp"

namespace keepsake {

// Appends the whole head to `out`. Counts spoofed headers.
void append_request_head(Exchange& x, const ServerConfig& server, std::string& out);

// The X-Forwarded-For, -Proto and -Port lines that are the same for every request of an untrusted
// peer.
std::string forwarded_lines(const Peer& peer);

// The Host that this backend's server gets.
void append_backend_host(const Exchange& x, const ServerConfig& server, std::string& out);

// What the visitor asked for, with its port: Host, or a trusted peer's X-Forwarded-Host.
std::string_view visited_host(const Exchange& x);

// Whether the client's own link is https: our TLS, or a trusted peer says so.
bool client_uses_https(const Exchange& x);

}  // namespace keepsake
