#pragma once
// /websocket: sends every message back as it came, until the other side closes or the program ends.

#include "demo-backend/types.hpp"

namespace keepsake::demo {

// Takes over a connection whose request asks for an upgrade; it ends with it.
Awaitable<void> echo_websocket(Stream& stream, Drain& drain, const Request& request);

}  // namespace keepsake::demo
