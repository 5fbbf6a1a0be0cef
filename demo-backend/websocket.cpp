#include "demo-backend/websocket.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace keepsake::demo {

namespace websocket = beast::websocket;

Awaitable<void> echo_websocket(Stream& stream, Drain& drain, const Request& request) {
  stream.expires_never();  // the WebSocket has its own deadlines, with pings
  websocket::stream<Stream&> socket{stream};
  socket.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
  socket.read_message_max(1024 * 1024);
  const auto [refused] = co_await socket.async_accept(request, no_throw);
  if (refused) {
    co_return;
  }
  // Beast allows one close beside a read and a write that are under way.
  const Drain::Hook hook{drain, [&socket] {
                           socket.async_close(websocket::close_code::going_away,
                                              [](beast::error_code) {});
                         }};
  beast::flat_buffer message;
  for (;;) {
    const auto [read_error, read] = co_await socket.async_read(message, no_throw);
    if (read_error) {
      co_return;
    }
    socket.text(socket.got_text());
    const auto [write_error, written] = co_await socket.async_write(message.data(), no_throw);
    if (write_error) {
      co_return;
    }
    message.consume(message.size());
  }
}

}  // namespace keepsake::demo
