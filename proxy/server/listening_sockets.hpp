#pragma once
// The sockets that listen: made here, taken over from whoever started us, owned by the server and
// lent to its workers. A reload keeps those whose address stays, because closing an SO_REUSEPORT
// socket resets the connections that wait in its queue.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace keepsake {

// Closed by whoever lets go of it last: the server, or a worker that still empties its queue.
class ListeningSocket {
 public:
  // `ours`: opened by us, or by a keepsake that gave way to us.
  ListeningSocket(int fd, bool ours);
  ~ListeningSocket();
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  int fd() const { return fd_; }
  // 0 for unix.
  std::uint16_t port() const { return port_; }
  // From now on the kernel drops what asks for a new connection, as if it had been lost: who asks
  // again after the socket was closed is refused, and nobody is reset who believes to be connected.
  // A unix socket loses its name. False, and nothing is done, if somebody else opened the socket,
  // who keeps it and lets newcomers wait in it for the next process.
  bool refuse_newcomers() const;
  bool ours() const { return ours_; }
  // Of the file of a unix socket; false with errno.
  bool set_mode(unsigned mode) const;
  // The address that it is bound to, as text without the port.
  std::string host() const;

 private:
  int fd_;
  std::uint16_t port_;
  bool ours_;
  mutable std::atomic_flag refusing_;
};

using SharedSocket = std::shared_ptr<const ListeningSocket>;

// Sockets that were open when the process began: systemd's, or those of the process that this one
// replaces. What nobody takes is closed at the end.
class InheritedSockets {
 public:
  // Takes over those of `fds` that are listening stream sockets; `refused` counts the others, which
  // are closed too.
  void add(const std::vector<int>& fds, bool ours);

  // All that are bound to `address`.
  std::vector<SharedSocket> take(const SocketAddress& address);
  // The addresses of those left, and how many were no listening sockets.
  std::vector<std::string> left() const;
  std::size_t refused() const { return refused_; }

 private:
  std::vector<SharedSocket> sockets_;
  std::size_t refused_ = 0;
};

// One entry of `listen` as it is in use.
struct ListeningAddress {
  SocketAddress address;           // as configured
  bool v6_only = false;            // a [::] that leaves IPv4 to another socket
  std::optional<unsigned> mode{};  // of a unix socket
  std::vector<SharedSocket> sockets;
  std::uint16_t port = 0;  // as bound; 0 for unix
};

struct Opening {
  std::size_t count = 1;              // sockets for each address, of TCP
  std::vector<std::uint16_t> ours{};  // ports that we listen on already, at other addresses
  bool v6_only = false;
  std::optional<unsigned> mode{};
};

// Listening sockets for every address of a name or the one address: SO_REUSEPORT siblings for TCP,
// one socket for unix. TCP port 0 is chosen by the kernel, once. On failure `error` says why and
// nothing stays open. A port that anybody else listens on, another keepsake included, is refused.
std::vector<SharedSocket> open_listeners(const SocketAddress& address, const Opening& opening,
                                         std::string& error);

// Whether `address` is [::] and the configuration also has an IPv4 address with its port: then the
// two sockets share the port by family, where [::] alone would serve both.
bool leaves_v4_to_others(const SocketAddress& address, const Config& config);

// Every address of `wanted`: the sockets of `present` where it is there already, else inherited
// ones, else new ones. Empty, with the address and the reason in `error`, if one cannot be had;
// then `present` is as it was, and nothing new stays open or has a file.
std::optional<std::vector<ListeningAddress>> listen_on(const Config& wanted,
                                                       const std::vector<ListeningAddress>& present,
                                                       const std::vector<std::uint16_t>& ours,
                                                       std::size_t count,
                                                       InheritedSockets& inherited,
                                                       std::string& error);

// Which of an address's sockets a worker accepts from. Every socket has a worker, every worker a
// socket, whichever are more: two workers may share one, since each waits for it in its own epoll.
std::vector<SharedSocket> share_of(const std::vector<SharedSocket>& sockets, std::size_t worker,
                                   std::size_t workers);

}  // namespace keepsake
