#include "server/listening_sockets.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/log.hpp"
#include "io/stream_socket.hpp"
#include "server/socket_name.hpp"

namespace keepsake {

namespace {

constexpr int kQueue = 4096;

// Which of the kinds of trouble only concern one address of a name: this machine lacks the family.
bool is_missing_here(int code) {
  return code == EADDRNOTAVAIL || code == EAFNOSUPPORT;
}

struct Trouble {
  int code = 0;
  std::string text;
};

int open_socket(const SocketName& name, bool share, const Opening& opening, Trouble& trouble) {
  const int family = name.family();
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    trouble = {errno, std::strerror(errno)};
    return -1;
  }
  const int on = 1;
  if (family != AF_UNIX) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  } else if (opening.mode) {
    ::fchmod(fd, *opening.mode);  // the file is born with it, less the umask: never with more
  }
  if (family == AF_INET6) {
    // [::] also serves IPv4, as people expect of it in containers, unless another socket does.
    const int only = opening.v6_only ? 1 : 0;
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  }
  if (share) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  }
  if (::bind(fd, name.generic(), name.size) != 0) {
    const int code = errno;
    trouble = {code, code == EADDRINUSE
                         ? "the address is in use by another program (or another keepsake)"
                         : std::strerror(code)};
    if (code == EACCES && family != AF_UNIX) {
      trouble.text.append(
          "; a port below 1024 needs CAP_NET_BIND_SERVICE, or systemd to open it "
          "(keepsake.socket)");
    }
    ::close(fd);
    return -1;
  }
  return fd;
}

SharedSocket listening(int fd, Trouble& trouble) {
  if (::listen(fd, kQueue) != 0) {
    trouble = {errno, std::strerror(errno)};
    ::close(fd);
    return nullptr;
  }
  return std::make_shared<const ListeningSocket>(fd, true);
}

std::vector<SharedSocket> open_tcp(SocketName name, const Opening& opening, Trouble& trouble) {
  // Once without SO_REUSEPORT: it fails if anybody listens there, also somebody who would share.
  // Where we ourselves do, on 127.0.0.1 say while the file now has 0.0.0.0, nobody else can.
  const std::vector<std::uint16_t>& ours = opening.ours;
  if (name.port() == 0 || std::find(ours.begin(), ours.end(), name.port()) == ours.end()) {
    const int probe = open_socket(name, false, opening, trouble);
    if (probe < 0) {
      return {};
    }
    name = name_of(probe);
    ::close(probe);
  }
  std::vector<SharedSocket> sockets;
  while (sockets.size() < opening.count) {
    const int fd = open_socket(name, true, opening, trouble);
    SharedSocket socket = fd < 0 ? nullptr : listening(fd, trouble);
    if (!socket) {
      return {};
    }
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

// A socket file that refuses connections is left over from a crash. The question does not wait: an
// owner that is stuck has a full queue, and is an owner.
void remove_leftover(const SocketName& name) {
  const std::string path = name.path();
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) {
    return;
  }
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (::connect(probe, name.generic(), name.size) != 0 && errno == ECONNREFUSED) {
    ::unlink(path.c_str());
  }
  ::close(probe);
}

std::vector<SharedSocket> open_unix(const SocketName& name, const Opening& opening,
                                    Trouble& trouble) {
  remove_leftover(name);
  const int fd = open_socket(name, false, opening, trouble);
  SharedSocket socket = fd < 0 ? nullptr : listening(fd, trouble);
  if (!socket) {
    return {};
  }
  if (opening.mode && !socket->set_mode(*opening.mode)) {
    trouble = {errno, fmt::format("its mode cannot be set: {}", std::strerror(errno))};
    socket->refuse_newcomers();
    return {};
  }
  return {std::move(socket)};
}

// Every address of a name; those of a family that this machine lacks are left out.
std::vector<SharedSocket> open_names(const std::vector<SocketName>& names, const Opening& opening,
                                     Trouble& trouble) {
  std::vector<SharedSocket> sockets;
  for (SocketName name : names) {
    if (name.port() == 0 && !sockets.empty()) {
      name.set_port(sockets.front()->port());  // one port for all of them
    }
    Trouble own;
    std::vector<SharedSocket> more = open_tcp(name, opening, own);
    if (more.empty() && !is_missing_here(own.code)) {
      trouble = std::move(own);
      return {};
    }
    if (more.empty()) {
      trouble = std::move(own);
    }
    sockets.insert(sockets.end(), more.begin(), more.end());
  }
  return sockets;
}

// A port of the kernel's choice may be taken at the second address of a name.
constexpr int kAttempts = 8;

}  // namespace

ListeningSocket::ListeningSocket(int fd, bool ours)
    : fd_(fd), port_(name_of(fd).port()), ours_(ours) {
  tune_tcp(fd);  // for those who are accepted from it
}

ListeningSocket::~ListeningSocket() {
  ::close(fd_);
}

bool ListeningSocket::set_mode(unsigned mode) const {
  return ::chmod(name_of(fd_).path().c_str(), mode) == 0;
}

std::string ListeningSocket::host() const {
  return name_of(fd_).host_text();
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
  const std::vector<SocketName> wanted = find_names(address, ignored);
  // Port 0 of the file stands for the first one that has this host.
  std::uint16_t port = address.port;
  const auto matches = [&](const SharedSocket& socket) {
    const SocketName bound = name_of(socket->fd());
    return std::any_of(wanted.begin(), wanted.end(), [&](SocketName name) {
      if (name.port() == 0) {
        name.set_port(port != 0 ? port : bound.port());
      }
      return name == bound;
    });
  };
  std::erase_if(sockets_, [&](const SharedSocket& socket) {
    const bool match = matches(socket);
    if (match) {
      port = socket->port();
      taken.push_back(socket);
    }
    return match;
  });
  return taken;
}

std::vector<std::string> InheritedSockets::left() const {
  std::vector<std::string> addresses;
  for (const SharedSocket& socket : sockets_) {
    addresses.push_back(name_of(socket->fd()).text());
  }
  return addresses;
}

std::vector<SharedSocket> open_listeners(const SocketAddress& address, const Opening& opening,
                                         std::string& error) {
  const std::vector<SocketName> names = find_names(address, error);
  if (names.empty()) {
    return {};
  }
  Trouble trouble;
  std::vector<SharedSocket> sockets;
  if (address.kind == SocketAddress::Kind::Unix) {
    sockets = open_unix(names.front(), opening, trouble);
  } else {
    const int attempts = address.port == 0 && names.size() > 1 ? kAttempts : 1;
    for (int i = 0; i < attempts && sockets.empty(); ++i) {
      sockets = open_names(names, opening, trouble);
    }
  }
  if (sockets.empty()) {
    error = trouble.text;
  }
  return sockets;
}

bool leaves_v4_to_others(const SocketAddress& address, const Config& config) {
  if (address.host != "::" || address.port == 0) {
    return false;
  }
  const auto serves_v4 = [&address](const SocketAddress& other) {
    if (other.kind != SocketAddress::Kind::Tcp || other.port != address.port) {
      return false;
    }
    std::string ignored;
    const std::vector<SocketName> names = find_names(other, ignored);
    return std::any_of(names.begin(), names.end(),
                       [](const SocketName& name) { return name.family() == AF_INET; });
  };
  return (config.admin.address && serves_v4(*config.admin.address)) ||
         std::any_of(config.listen.begin(), config.listen.end(),
                     [&](const ListenConfig& other) { return serves_v4(other.address); });
}

namespace {

// Of a unix socket that stays. The mode of one that somebody else opened is theirs.
void change_mode(ListeningAddress& listening, std::optional<unsigned> mode) {
  const SharedSocket& socket = listening.sockets.front();
  if (listening.address.kind != SocketAddress::Kind::Unix || listening.mode == mode ||
      !socket->ours()) {
    return;
  }
  const mode_t umask = ::umask(0);
  ::umask(umask);
  if (!socket->set_mode(mode.value_or(0777 & ~umask))) {
    log::error("the mode of {} cannot be set: {}", listening.address.to_string(),
               std::strerror(errno));
  }
}

}  // namespace

std::optional<std::vector<ListeningAddress>> listen_on(const Config& wanted,
                                                       const std::vector<ListeningAddress>& present,
                                                       const std::vector<std::uint16_t>& ours,
                                                       std::size_t count,
                                                       InheritedSockets& inherited,
                                                       std::string& error) {
  std::vector<ListeningAddress> found;
  std::vector<SharedSocket> fresh;
  std::vector<bool> used(present.size(), false);
  for (const ListenConfig& listen : wanted.listen) {
    ListeningAddress& next = found.emplace_back();
    next.address = listen.address;
    next.v6_only = leaves_v4_to_others(listen.address, wanted);
    next.mode = listen.mode;
    for (std::size_t i = 0; i < present.size() && next.sockets.empty(); ++i) {
      if (!used[i] && present[i].address == listen.address && present[i].v6_only == next.v6_only) {
        used[i] = true;
        next.mode = present[i].mode;
        next.sockets = present[i].sockets;
      }
    }
    if (next.sockets.empty()) {
      next.sockets = inherited.take(listen.address);
    }
    if (next.sockets.empty()) {
      std::string why;
      next.sockets = open_listeners(listen.address, {count, ours, next.v6_only, listen.mode}, why);
      if (next.sockets.empty()) {
        error = fmt::format("cannot listen on {}: {}", listen.address.to_string(), why);
        for (const SharedSocket& socket : fresh) {
          socket->refuse_newcomers();  // so that a unix socket leaves no file
        }
        return std::nullopt;
      }
      fresh.insert(fresh.end(), next.sockets.begin(), next.sockets.end());
    }
    next.port = next.sockets.front()->port();
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    change_mode(found[i], wanted.listen[i].mode);
    found[i].mode = wanted.listen[i].mode;
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
