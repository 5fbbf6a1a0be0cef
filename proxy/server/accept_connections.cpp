#include "server/accept_connections.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.hpp"

namespace keepsake {

namespace {

std::uint16_t port_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  }
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  }
  return 0;
}

IpAddress ip_of(const sockaddr_storage& address) {
  IpAddress ip;
  if (address.ss_family == AF_INET) {
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
    ip = ip_from_v4(bytes);
  } else if (address.ss_family == AF_INET6) {
    std::memcpy(ip.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, 16);
  }
  return ip;
}

struct Wait {
  asio::posix::basic_stream_descriptor<Executor>& descriptor;
  error_code error{};
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                          [this, waiter](const error_code& result) {
                            error = result;
                            waiter.resume();
                          });
  }
  void await_resume() const {}
};

struct Pause {
  asio::steady_timer& timer;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    timer.expires_after(Millis{100});
    timer.async_wait([waiter](const error_code&) { waiter.resume(); });
  }
  void await_resume() const {}
};

int open_socket(const sockaddr* address, socklen_t size, bool share, std::string& error) {
  const int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    error = std::strerror(errno);
    return -1;
  }
  const int on = 1;
  if (address->sa_family != AF_UNIX) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (address->sa_family == AF_INET6) {
    // [::] also serves IPv4, as people expect of it in containers.
    const int off = 0;
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (share) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  }
  if (::bind(fd, address, size) != 0) {
    error = errno == EADDRINUSE ? "the address is in use by another program (or another keepsake)"
                                : std::strerror(errno);
    ::close(fd);
    return -1;
  }
  return fd;
}

void close_all(std::vector<int>& fds) {
  for (const int fd : fds) {
    ::close(fd);
  }
  fds.clear();
}

std::vector<int> open_tcp(const SocketAddress& address, std::size_t count, std::string& error) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  if (const int code = ::getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found);
      code != 0) {
    error = ::gai_strerror(code);
    return {};
  }
  sockaddr_storage target{};
  std::memcpy(&target, found->ai_addr, found->ai_addrlen);
  const socklen_t size = found->ai_addrlen;
  ::freeaddrinfo(found);

  // Once without SO_REUSEPORT: it fails if anybody listens there, also somebody who would share.
  const int probe = open_socket(reinterpret_cast<sockaddr*>(&target), size, false, error);
  if (probe < 0) {
    return {};
  }
  socklen_t bound = sizeof target;
  ::getsockname(probe, reinterpret_cast<sockaddr*>(&target), &bound);
  ::close(probe);

  std::vector<int> fds;
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = open_socket(reinterpret_cast<sockaddr*>(&target), size, true, error);
    if (fd < 0 || ::listen(fd, 4096) != 0) {
      if (fd >= 0) {
        error = std::strerror(errno);
        ::close(fd);
      }
      close_all(fds);
      return {};
    }
    fds.push_back(fd);
  }
  return fds;
}

std::vector<int> open_unix(const SocketAddress& address, std::size_t count, std::string& error) {
  sockaddr_un target{};
  target.sun_family = AF_UNIX;
  if (address.path.size() >= sizeof target.sun_path) {
    error = "the path of a unix socket may have at most 107 bytes";
    return {};
  }
  std::memcpy(target.sun_path, address.path.data(), address.path.size());
  const auto* generic = reinterpret_cast<const sockaddr*>(&target);

  // A socket file that nobody answers on is left over from a crash.
  struct stat info{};
  if (::stat(address.path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) {
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(probe, generic, sizeof target) != 0 && errno == ECONNREFUSED) {
      ::unlink(address.path.c_str());
    }
    ::close(probe);
  }
  const int fd = open_socket(generic, sizeof target, false, error);
  if (fd < 0) {
    return {};
  }
  if (::listen(fd, 4096) != 0) {
    error = std::strerror(errno);
    ::close(fd);
    return {};
  }
  std::vector<int> fds{fd};
  while (fds.size() < count) {
    fds.push_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  }
  return fds;
}

}  // namespace

std::vector<int> open_listeners(const SocketAddress& address, std::size_t count,
                                std::string& error) {
  return address.kind == SocketAddress::Kind::Unix ? open_unix(address, count, error)
                                                   : open_tcp(address, count, error);
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return port_of(address);
}

bool Worker::admit(Peer& peer) {
  const LimitsConfig& limits = view_->config().limits;
  const std::size_t open = shared_.connections.fetch_add(1, std::memory_order_relaxed);
  bool allowed = open < limits.connections;
  if (allowed && limits.connections_per_client != 0 && !peer.is_unix) {
    allowed = shared_.per_client.enter(peer.address, limits.connections_per_client);
    peer.counted = allowed;
  }
  if (!allowed) {
    shared_.connections.fetch_sub(1, std::memory_order_relaxed);
  }
  return allowed;
}

Task<void> Worker::accept_connections(Listener& listener) {
  while (!listener.stopped) {
    Wait wait{listener.descriptor};
    co_await wait;
    while (!listener.stopped) {
      sockaddr_storage remote{};
      socklen_t size = sizeof remote;
      const int fd =
          ::accept4(listener.descriptor.native_handle(), reinterpret_cast<sockaddr*>(&remote),
                    &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        if (errno == EINTR || errno == ECONNABORTED) {
          continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
          break;
        }
        // Out of descriptors or memory: those waiting stay in the kernel's queue meanwhile.
        log::warn("cannot accept connections on {}: {}", listener.config.address.to_string(),
                  std::strerror(errno));
        Pause pause{listener.backoff};
        co_await pause;
        continue;
      }
      Peer peer;
      peer.is_unix = remote.ss_family == AF_UNIX;
      peer.address = ip_of(remote);
      peer.port = port_of(remote);
      peer.local_port = listener.port;
      if (!admit(peer)) {
        metrics_.add(Counter::ConnectionsRefused);
        start(refuse_connection(*this, fd, remote.ss_family));
        continue;
      }
      metrics_.add(Counter::ConnectionsAccepted);
      start(serve_connection(*this, fd, remote.ss_family, std::move(peer)));
    }
  }
}

}  // namespace keepsake
