#pragma once
// The end of a client connection, so that the client gets all that was written to it and never
// takes an incomplete response for a whole one.

#include "client/connection.hpp"
#include "io/asio.hpp"
#include "io/task.hpp"

namespace keepsake {

// Ends the connection as its `ending` says.
Task<void> close_connection(Connection& connection);

// Announces the end of our bytes and reads, into `space`, what the client still sends. Closing
// while it sends would make the kernel answer those bytes with a reset, which can destroy the last
// response before the client has read it (RFC 9112 9.6).
Task<void> linger(Stream& stream, asio::mutable_buffer space, const Connections& worker);

}  // namespace keepsake
