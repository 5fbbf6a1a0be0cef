#pragma once
// What a backend says when it becomes the end of a WebSocket (RFC 6455 4.2.2).

#include <string>

#include "support/message.hpp"

namespace keepsake::test {

// The 101 to this handshake, with `more` lines.
std::string switch_for(const Message& request, const std::string& more = "");

}  // namespace keepsake::test
