#include "server/listening_sockets.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/stream_socket.hpp"

namespace keepsake {

namespace {

constexpr int kQueue = 4096;

struct SocketName {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&storage); }
  const sockaddr_in& v4() const { return reinterpret_cast<const sockaddr_in&>(storage); }
  const sockaddr_in6& v6() const { return reinterpret_cast<const sockaddr_in6&>(storage); }
  std::string path() const {
    const auto& unix_name = reinterpret_cast<const sockaddr_un&>(storage);
    return std::string{unix_name.sun_path,
                       ::strnlen(unix_name.sun_path, sizeof unix_name.sun_path)};
  }
};

SocketName name_of(int fd) {
  SocketName name;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&name.storage), &name.size);
  return name;
}

std::uint16_t port_of(const SocketName& name) {
  switch (name.storage.ss_family) {
    case AF_INET:
      return ntohs(name.v4().sin_port);
    case AF_INET6:
      return ntohs(name.v6().sin6_port);
    default:
      return 0;
  }
}

std::optional<SocketName> find_name(const SocketAddress& address, std::string& error) {
  SocketName name;
  if (address.kind == SocketAddress::Kind::Unix) {
    auto& target = reinterpret_cast<sockaddr_un&>(name.storage);
    target.sun_family = AF_UNIX;
    if (address.path.size() >= sizeof target.sun_path) {
      error = "the path of a unix socket may have at most 107 bytes";
      return std::nullopt;
    }
    std::memcpy(target.sun_path, address.path.data(), address.path.size());
    name.size = sizeof target;
    return name;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  if (const int code = ::getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found);
      code != 0) {
    error = ::gai_strerror(code);
    return std::nullopt;
  }
  std::memcpy(&name.storage, found->ai_addr, found->ai_addrlen);
  name.size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return name;
}

bool same(const SocketName& a, const SocketName& b) {
  if (a.storage.ss_family != b.storage.ss_family || port_of(a) != port_of(b)) {
    return false;
  }
  switch (a.storage.ss_family) {
    case AF_INET:
      return a.v4().sin_addr.s_addr == b.v4().sin_addr.s_addr;
    case AF_INET6:
      return std::memcmp(&a.v6().sin6_addr, &b.v6().sin6_addr, sizeof(in6_addr)) == 0 &&
             a.v6().sin6_scope_id == b.v6().sin6_scope_id;
    default:
      return a.path() == b.path();
  }
}

std::string text_of(int fd) {
  const SocketName name = name_of(fd);
  if (name.storage.ss_family == AF_UNIX) {
    return "unix:" + name.path();
  }
  char host[NI_MAXHOST] = "?";
  ::getnameinfo(name.generic(), name.size, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
  const bool v6 = name.storage.ss_family == AF_INET6;
  return v6 ? fmt::format("[{}]:{}", host, port_of(name))
            : fmt::format("{}:{}", host, port_of(name));
}

int open_socket(const SocketName& name, bool share, std::string& error) {
  const int family = name.storage.ss_family;
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    error = std::strerror(errno);
    return -1;
  }
  const int on = 1;
  if (family != AF_UNIX) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (family == AF_INET6) {
    // [::] also serves IPv4, as people expect of it in containers.
    const int off = 0;
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (share) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  }
  if (::bind(fd, name.generic(), name.size) != 0) {
    const int code = errno;
    error = code == EADDRINUSE ? "the address is in use by another program (or another keepsake)"
                               : std::strerror(code);
    if (code == EACCES && family != AF_UNIX) {
      error.append(
          "; a port below 1024 needs CAP_NET_BIND_SERVICE, or systemd to open it "
          "(keepsake.socket)");
    }
    ::close(fd);
    return -1;
  }
  return fd;
}

SharedSocket listening(int fd, std::string& error) {
  if (::listen(fd, kQueue) != 0) {
    error = std::strerror(errno);
    ::close(fd);
    return nullptr;
  }
  return std::make_shared<const ListeningSocket>(fd, true);
}

std::vector<SharedSocket> open_tcp(SocketName name, std::size_t count, std::string& error,
                                   const std::vector<std::uint16_t>& ours) {
  // Once without SO_REUSEPORT: it fails if anybody listens there, also somebody who would share.
  // Where we ourselves do, on 127.0.0.1 say while the file now has 0.0.0.0, nobody else can.
  if (port_of(name) == 0 || std::find(ours.begin(), ours.end(), port_of(name)) == ours.end()) {
    const int probe = open_socket(name, false, error);
    if (probe < 0) {
      return {};
    }
    name = name_of(probe);
    ::close(probe);
  }
  std::vector<SharedSocket> sockets;
  while (sockets.size() < count) {
    const int fd = open_socket(name, true, error);
    SharedSocket socket = fd < 0 ? nullptr : listening(fd, error);
    if (!socket) {
      return {};
    }
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

std::vector<SharedSocket> open_unix(const SocketName& name, std::string& error) {
  // A socket file that nobody answers on is left over from a crash.
  const std::string path = name.path();
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) {
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(probe, name.generic(), name.size) != 0 && errno == ECONNREFUSED) {
      ::unlink(path.c_str());
    }
    ::close(probe);
  }
  const int fd = open_socket(name, false, error);
  SharedSocket socket = fd < 0 ? nullptr : listening(fd, error);
  return socket ? std::vector{std::move(socket)} : std::vector<SharedSocket>{};
}

}  // namespace

ListeningSocket::ListeningSocket(int fd, bool ours)
    : fd_(fd), port_(port_of(name_of(fd))), ours_(ours) {
  tune_tcp(fd);  // for those who are accepted from it
}

ListeningSocket::~ListeningSocket() {
  ::close(fd_);
}

bool ListeningSocket::refuse_newcomers() const {
  if (!ours_) {
    return false;
  }
  if (refusing_.test_and_set()) {
    return true;  // by then its name may be somebody else's
  }
  if (port_ == 0) {
    ::unlink(name_of(fd_).path().c_str());
    return true;
  }
  // The program sees a segment from its TCP header on; byte 13 holds the flags. Connections that
  // the socket has accepted inherit the filter and never miss a SYN without ACK.
  constexpr std::uint32_t kSynAck = 0x12;
  constexpr std::uint32_t kSyn = 0x02;
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),          BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kSynAck),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSyn, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
  };
  const sock_fprog filter{sizeof program / sizeof program[0], program};
  ::setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
  return true;
}

void InheritedSockets::add(const std::vector<int>& fds, bool ours) {
  for (const int fd : fds) {
    int listens = 0;
    int type = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0 ||
        ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) {
      ++refused_;
      ::close(fd);
      continue;
    }
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    sockets_.push_back(std::make_shared<const ListeningSocket>(fd, ours));
  }
}

std::vector<SharedSocket> InheritedSockets::take(const SocketAddress& address) {
  std::vector<SharedSocket> taken;
  std::string ignored;
  if (sockets_.empty()) {
    return taken;
  }
  const std::optional<SocketName> name = find_name(address, ignored);
  if (!name) {
    return taken;
  }
  SocketName wanted = *name;
  const bool any_port = address.kind == SocketAddress::Kind::Tcp && address.port == 0;
  std::erase_if(sockets_, [&](const SharedSocket& socket) {
    const SocketName bound = name_of(socket->fd());
    if (any_port && port_of(wanted) == 0 && bound.storage.ss_family == wanted.storage.ss_family) {
      // Port 0 of the file stands for the first one that has this host.
      SocketName candidate = wanted;
      reinterpret_cast<sockaddr_in&>(candidate.storage).sin_port = htons(port_of(bound));
      if (same(candidate, bound)) {
        wanted = candidate;
      }
    }
    const bool match = same(wanted, bound);
    if (match) {
      taken.push_back(socket);
    }
    return match;
  });
  return taken;
}

std::vector<std::string> InheritedSockets::left() const {
  std::vector<std::string> addresses;
  for (const SharedSocket& socket : sockets_) {
    addresses.push_back(text_of(socket->fd()));
  }
  return addresses;
}

std::vector<SharedSocket> open_listeners(const SocketAddress& address, std::size_t count,
                                         std::string& error,
                                         const std::vector<std::uint16_t>& ours) {
  const std::optional<SocketName> name = find_name(address, error);
  if (!name) {
    return {};
  }
  return address.kind == SocketAddress::Kind::Unix ? open_unix(*name, error)
                                                   : open_tcp(*name, count, error, ours);
}

std::optional<std::vector<ListeningAddress>> listen_on(const std::vector<ListenConfig>& wanted,
                                                       const std::vector<ListeningAddress>& present,
                                                       const std::vector<std::uint16_t>& ours,
                                                       std::size_t count,
                                                       InheritedSockets& inherited,
                                                       std::string& error) {
  std::vector<ListeningAddress> found;
  std::vector<bool> used(present.size(), false);
  for (const ListenConfig& listen : wanted) {
    ListeningAddress& next = found.emplace_back();
    next.address = listen.address;
    for (std::size_t i = 0; i < present.size() && next.sockets.empty(); ++i) {
      if (!used[i] && present[i].address == listen.address) {
        used[i] = true;
        next.sockets = present[i].sockets;
      }
    }
    if (next.sockets.empty()) {
      next.sockets = inherited.take(listen.address);
    }
    if (next.sockets.empty()) {
      std::string why;
      next.sockets = open_listeners(listen.address, count, why, ours);
      if (next.sockets.empty()) {
        error = fmt::format("cannot listen on {}: {}", listen.address.to_string(), why);
        return std::nullopt;
      }
    }
    next.port = next.sockets.front()->port();
  }
  return found;
}

std::vector<SharedSocket> share_of(const std::vector<SharedSocket>& sockets, std::size_t worker,
                                   std::size_t workers) {
  std::vector<SharedSocket> share;
  for (std::size_t i = worker; i < std::max(sockets.size(), workers); i += workers) {
    share.push_back(sockets[i % sockets.size()]);
  }
  return share;
}

}  // namespace keepsake
