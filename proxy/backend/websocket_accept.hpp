#pragma once
// What a server answers to the key of a WebSocket's handshake (RFC 6455 4.2.2).

#include <string>
#include <string_view>

namespace keepsake {

std::string websocket_accept(std::string_view key);

}  // namespace keepsake
