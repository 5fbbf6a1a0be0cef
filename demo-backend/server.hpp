#pragma once
// The listening socket and the life of the program: accepts until it is told to stop, then lets the
// exchanges under way finish. One thread, one io_context.

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>
#include <string>

#include "base/address.hpp"
#include "demo-backend/types.hpp"

namespace keepsake::demo {

class Server {
 public:
  Server(asio::io_context& context, const SocketAddress& address);  // throws if it cannot listen
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Where it listens, with the port that the kernel chose for port 0.
  const SocketAddress& address() const { return address_; }

  void start();
  // No new connections; idle ones close, the others after their exchange, all of them after
  // `patience`.
  void stop(std::chrono::seconds patience);

 private:
  using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol, Executor>;
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;

  Awaitable<void> accept_connections();

  asio::io_context& context_;
  SocketAddress address_;
  Acceptor acceptor_;
  Timer timer_;
  Drain drain_;
  std::size_t connections_ = 0;
};

}  // namespace keepsake::demo
