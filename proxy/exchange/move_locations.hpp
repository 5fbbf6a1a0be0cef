#pragma once
// rewrite.location: what a backend writes of its own address follows the route's prefix and the
// visitor's scheme and host, and a Destination goes the other way. Called by response_head and
// request_head.

#include <string>

#include "exchange/exchange.hpp"

namespace keepsake {

// Takes Location, Content-Location and Set-Cookie lines out of the backend's response where the
// client must see others, which x.work.moved_lines has then.
void move_response_lines(Exchange& x);

// The Destination line as `server` must see it. The client's own has been left out.
void append_destination(const Exchange& x, const ServerConfig& server, std::string& out);

}  // namespace keepsake
