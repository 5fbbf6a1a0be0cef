#pragma once
// The accept loop of one worker on one listening socket, and the making of those sockets.

#include <boost/asio/posix/stream_descriptor.hpp>
#include <string>
#include <vector>

#include "server/worker.hpp"

namespace keepsake {

// The port a TCP listener is bound to; 0 for unix.
std::uint16_t bound_port(int fd);

struct Worker::Listener {
  Listener(asio::io_context& io, int fd, ListenConfig listen)
      : descriptor(io, fd), backoff(io), config(std::move(listen)), port(bound_port(fd)) {}

  void stop() {
    stopped = true;
    error_code ignored;
    descriptor.close(ignored);
    backoff.cancel();
  }

  asio::posix::basic_stream_descriptor<Executor> descriptor;
  asio::steady_timer backoff;
  ListenConfig config;
  std::uint16_t port;
  bool stopped = false;
};

// `count` listening sockets for one address: SO_REUSEPORT siblings for TCP, duplicates of one
// descriptor for unix. TCP port 0 is chosen by the kernel, once. On failure `error` says why and
// nothing stays open. A port that anybody else listens on, another keepsake included, is refused.
std::vector<int> open_listeners(const SocketAddress& address, std::size_t count,
                                std::string& error);

}  // namespace keepsake
