#include "support/link.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "support/http2_text.hpp"

namespace keepsake::test {

namespace {

[[noreturn]] void fail(const std::string& who, const std::string& what, std::string_view bytes) {
  throw std::runtime_error(who + " " + what + "; had so far:\n" + escaped(bytes));
}

bool wait_for(int fd, short events, std::chrono::milliseconds wait) {
  pollfd entry{fd, events, 0};
  int n = 0;
  do {
    n = ::poll(&entry, 1, static_cast<int>(wait.count()));
  } while (n < 0 && errno == EINTR);
  return n > 0;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

std::uint16_t listen_on(int fd, int queue) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, generic, size) != 0 || ::listen(fd, queue) != 0 ||
      ::getsockname(fd, generic, &size) != 0) {
    throw std::runtime_error(std::string{"cannot listen: "} + std::strerror(errno));
  }
  return ntohs(address.sin_port);
}

int no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

}  // namespace

Link::Link() = default;

Link::Link(int fd, std::string who) : fd_(fd), who_(std::move(who)) {}

Link::~Link() {
  close();
}

Link::Link(Link&& other) noexcept {
  *this = std::move(other);
}

Link& Link::operator=(Link&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
    who_ = std::move(other.who_);
    buffer_ = std::move(other.buffer_);
    was_reset_ = other.was_reset_;
    http2_ = std::move(other.http2_);
  }
  return *this;
}

void Link::speak_http2() {
  http2_ = std::make_unique<Http2Text>();
}

bool Link::send(std::string_view bytes) {
  return send_bytes(http2_ ? http2_->send(bytes) : std::string{bytes});
}

bool Link::send_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      if (!wait_for(fd_, POLLOUT, kGuard)) {
        fail(who_, "could not send in time", bytes.substr(0, 200));
      }
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

std::size_t Link::send_some(std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n =
        ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0) {
      break;
    }
    sent += static_cast<std::size_t>(n);
  }
  return sent;
}

void Link::send_bytewise(std::string_view bytes) {
  for (const char& c : bytes) {
    send({&c, 1});
  }
}

void Link::shutdown_write() {
  if (http2_) {
    if (const std::string frames = http2_->end_tunnel(); !frames.empty()) {
      send_bytes(frames);
      return;
    }
  }
  ::shutdown(fd_, SHUT_WR);
}

void Link::close() {
  if (fd_ >= 0) {
    ::close(std::exchange(fd_, -1));
  }
}

void Link::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

bool Link::readable(std::chrono::milliseconds wait) {
  if (!http2_) {
    return !buffer_.empty() || wait_for(fd_, POLLIN, wait);
  }
  while (buffer_.empty() && !http2_->over() && wait_for(fd_, POLLIN, wait)) {
    if (!fill()) {
      return true;
    }
  }
  return !buffer_.empty() || http2_->over();
}

bool Link::fill() {
  if (http2_ && http2_->over()) {
    was_reset_ = http2_->broken();
    return false;
  }
  if (!wait_for(fd_, POLLIN, kGuard)) {
    fail(who_, "waited in vain", buffer_.substr(0, 4096));
  }
  char bytes[64 * 1024];
  const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
  if (n <= 0) {
    was_reset_ = n < 0;
    return false;
  }
  const std::string_view come{bytes, static_cast<std::size_t>(n)};
  if (!http2_) {
    buffer_.append(come);
    return true;
  }
  std::string frames;
  http2_->receive(come, buffer_, frames);
  send_bytes(frames);
  return true;
}

std::string Link::read_exactly(std::size_t n) {
  while (buffer_.size() < n) {
    if (!fill()) {
      fail(who_, was_reset_ ? "got a reset" : "got an early end", buffer_);
    }
  }
  std::string result = buffer_.substr(0, n);
  buffer_.erase(0, n);
  return result;
}

std::string Link::read_until(std::string_view marker) {
  std::size_t at = 0;
  while ((at = buffer_.find(marker)) == std::string::npos) {
    if (!fill()) {
      fail(who_, was_reset_ ? "got a reset" : "got an early end", buffer_);
    }
  }
  return read_exactly(at + marker.size());
}

Link::Rest Link::read_rest() {
  while (fill()) {
  }
  return {std::exchange(buffer_, {}), was_reset_};
}

std::string Link::read_to_end() {
  Rest rest = read_rest();
  if (rest.reset) {
    fail(who_, "got a reset instead of an end", rest.bytes);
  }
  return std::move(rest.bytes);
}

bool Link::writable(std::chrono::milliseconds wait) {
  return wait_for(fd_, POLLOUT, wait);
}

void Link::drain_into(std::string& bytes) {
  bytes.append(std::exchange(buffer_, {}));
  while (wait_for(fd_, POLLIN, std::chrono::milliseconds{0}) && fill()) {
    bytes.append(std::exchange(buffer_, {}));
  }
}

void Link::read_chunks(Message& message) {
  while (true) {
    const std::string line = read_until("\r\n");
    const std::size_t size = std::stoul(line, nullptr, 16);
    message.raw_body += line;
    if (size == 0) {
      break;
    }
    const std::string data = read_exactly(size + 2);
    message.raw_body += data;
    message.body += data.substr(0, size);
  }
  while (true) {
    const std::string line = read_until("\r\n");
    message.raw_body += line;
    if (line == "\r\n") {
      return;
    }
    message.trailers += line;
  }
}

void Link::read_body(Message& message, bool until_close) {
  if (message.has("Transfer-Encoding")) {
    read_chunks(message);
  } else if (message.has("Content-Length")) {
    message.body = message.raw_body = read_exactly(std::stoul(message.value("Content-Length")));
  } else if (until_close) {
    message.body = message.raw_body = read_to_end();
  }
}

Message Link::read_request() {
  Message message = read_head();
  read_body(message, false);
  return message;
}

Message Link::read_response(bool to_head) {
  Message message = read_head();
  const unsigned status = message.status();
  if (!to_head && status >= 200 && status != 204 && status != 304) {
    read_body(message, true);
  }
  return message;
}

Link connect_to(std::uint16_t port, int receive_buffer) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Link link{no_delay(fd), "client"};
  if (receive_buffer != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  const sockaddr_in address = loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error(std::string{"cannot connect: "} + std::strerror(errno));
  }
  return link;
}

Link connect_to(const std::string& path) {
  Link link{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "client"};
  const sockaddr_un address = unix_address(path);
  if (::connect(link.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot connect to " + path + ": " + std::strerror(errno));
  }
  return link;
}

Backend::Backend(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_un address = unix_address(path);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd_, 128) != 0) {
    throw std::runtime_error("cannot listen on " + path + ": " + std::strerror(errno));
  }
}

Backend::Backend() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  port_ = listen_on(fd_, 128);
}

FullBackend::FullBackend() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  port_ = listen_on(fd_, 0);
  const sockaddr_in address = loopback(port_);
  for (int i = 0; i < 4; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    queued_.push_back(fd);
  }
}

FullBackend::~FullBackend() {
  for (const int fd : queued_) {
    ::close(fd);
  }
  ::close(fd_);
}

bool Backend::has_connection(std::chrono::milliseconds wait) {
  return wait_for(fd_, POLLIN, wait);
}

Link Backend::accept() {
  if (!has_connection(kGuard)) {
    throw std::runtime_error("the backend waited in vain for a connection");
  }
  return Link{no_delay(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)), "backend"};
}

void Backend::stop() {
  if (fd_ >= 0) {
    ::close(std::exchange(fd_, -1));
  }
}

}  // namespace keepsake::test
