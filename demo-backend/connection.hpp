#pragma once
// One connection: reads requests one after another and answers each, until either side has had
// enough. Started by the server for each accepted socket.

#include "demo-backend/types.hpp"

namespace keepsake::demo {

// Never throws and never outlives `drain`.
Awaitable<void> serve_connection(Stream stream, Drain& drain);

}  // namespace keepsake::demo
