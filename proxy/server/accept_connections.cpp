#include "server/accept_connections.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "client/connection.hpp"

namespace keepsake {

namespace {

constexpr Millis kFarewell{50};

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

}  // namespace

void Worker::listen_on(const std::vector<ListenSpot>& spots) {
  if (draining_) {
    return;
  }
  for (const std::shared_ptr<Listener>& listener : listeners_) {
    const auto same = [&listener](const ListenSpot& s) { return s.socket == listener->socket; };
    if (std::none_of(spots.begin(), spots.end(), same)) {
      retire(listener);
    }
  }
  OwnAddresses own;
  for (const ListenSpot& spot : spots) {
    own.add(spot.socket->fd());
    const auto same = [&spot](const auto& l) { return l->socket == spot.socket && !l->leaving; };
    const auto known = std::find_if(listeners_.begin(), listeners_.end(), same);
    if (known != listeners_.end()) {
      (*known)->view = view_;
      (*known)->index = spot.index;
      continue;
    }
    listeners_.push_back(std::make_shared<Listener>(io_, spot, view_));
    start(accept_connections(listeners_.back()));
  }
  pools_.set_own_addresses(std::move(own));
}

// Whoever connected is served. The rest of the way from a SYN to a connection takes a round trip:
// closing at once would reset those who are on it.
void Worker::retire(const std::shared_ptr<Listener>& listener) {
  if (std::exchange(listener->leaving, true)) {
    return;
  }
  if (!listener->socket->refuse_newcomers()) {
    listener->take_the_last();
    return;
  }
  listener->farewell.expires_after(kFarewell);
  listener->farewell.async_wait([listener](const error_code& error) {
    if (!error) {
      listener->take_the_last();
    }
  });
}

const Front* Worker::front_at(const std::weak_ptr<const ListeningSocket>& socket) const {
  const Front* leaving = nullptr;
  for (const std::shared_ptr<Listener>& listener : listeners_) {
    if (socket.owner_before(listener->socket) || listener->socket.owner_before(socket)) {
      continue;
    }
    if (!listener->leaving) {
      return &listener->front();
    }
    leaving = &listener->front();
  }
  return leaving;
}

bool Worker::admit_client(Peer& peer) {
  const std::size_t most = view_->config().limits.connections_per_client;
  if (most == 0 || peer.is_unix) {
    return true;
  }
  peer.counted = shared_.per_client.enter(peer.address, most);
  if (!peer.counted && shared_.seldom.now(SeldomLine::ClientConnections, clock_.steady())) {
    log::warn("connections are refused: limits.connections_per_client ({}) are open from {}", most,
              peer.address.to_string());
  }
  return peer.counted;
}

bool Worker::admit(Peer& peer, bool by_client) {
  const LimitsConfig& limits = view_->config().limits;
  const std::size_t open = shared_.connections.fetch_add(1, std::memory_order_relaxed);
  const bool full = open >= limits.connections;
  const bool allowed = !full && (!by_client || admit_client(peer));
  if (!allowed) {
    shared_.connections.fetch_sub(1, std::memory_order_relaxed);
  }
  if (full && shared_.seldom.now(SeldomLine::Connections, clock_.steady())) {
    log::warn("connections are refused: limits.connections ({}) are open", limits.connections);
  }
  return allowed;
}

Task<void> Worker::accept_connections(std::shared_ptr<Listener> kept) {
  Listener& listener = *kept;
  while (!listener.stopped) {
    if (!listener.last_look) {
      Wait wait{listener.descriptor};
      co_await wait;
    }
    const bool last = listener.last_look;
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
        warn_within(shared_.lines.accept, streams_.now(), "cannot accept connections on {}: {}",
                    listener.front().listen.address.to_string(), std::strerror(errno));
        Pause pause{listener.pause};
        co_await pause;
        continue;
      }
      Peer peer;
      peer.is_unix = remote.ss_family == AF_UNIX;
      peer.address = ip_of(remote);
      peer.port = port_of(remote);
      peer.socket_is_unix = peer.is_unix;
      peer.socket_address = peer.address;
      const Front& front = listener.front();
      if (front.listen.tls && !front.tls) {
        metrics_.add(Counter::ConnectionsRefused);
        ::close(fd);  // its certificates could not be read
        continue;
      }
      // Behind a PROXY header is another client than the one that connects.
      if (!admit(peer, !front.listen.proxy_protocol)) {
        metrics_.add(Counter::ConnectionsRefused);
        if (front.opens()) {
          ::close(fd);  // there is nothing to be said before the handshake
        } else {
          start(refuse_connection(*this, fd, remote.ss_family));
        }
        continue;
      }
      metrics_.add(Counter::ConnectionsAccepted);
      start(serve_connection(*this, fd, remote.ss_family, std::move(peer), listener.socket, front,
                             listener.view));
    }
    listener.stopped = listener.stopped || last;
  }
  std::erase(listeners_, kept);
}

}  // namespace keepsake
