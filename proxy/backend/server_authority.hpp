#pragma once
// How a server is called in Host: by requests, by health checks, and where a backend's own address
// is looked for.

#include <string>

#include "config/config.hpp"

namespace keepsake {

// host[:port] of the server's URL, without the port that its scheme has anyway, as browsers and
// curl write it (RFC 9110 4.2.3 and 7.2); "localhost" for a unix socket.
void append_server_authority(const ServerConfig& server, std::string& out);

}  // namespace keepsake
