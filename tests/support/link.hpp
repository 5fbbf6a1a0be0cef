#pragma once
// The raw ends of a wire test: a blocking socket that plays the client or the backend, byte by byte
// if need be. Every wait is guarded by real time (a test that waits in vain throws and fails, it
// never hangs); none of them is how a timeout of the proxy is shown.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/message.hpp"

namespace keepsake::test {
class Http2Text;
}

namespace keepsake::test {

// How long a test waits for what must happen.
inline constexpr std::chrono::milliseconds kGuard{10'000};

class Link {
 public:
  Link();
  // `who` names it in the message of a failed wait.
  Link(int fd, std::string who);
  ~Link();
  Link(Link&& other) noexcept;
  Link& operator=(Link&& other) noexcept;

  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  // From now on what is sent and read as text of HTTP/1.1 goes over HTTP/2.
  void speak_http2();

  // All of it in one call. Returns false if the peer has closed or reset.
  bool send(std::string_view bytes);
  // As many bytes as fit without waiting.
  std::size_t send_some(std::string_view bytes);
  // One byte per segment.
  void send_bytewise(std::string_view bytes);
  void shutdown_write();
  void close();
  // Close with a reset (SO_LINGER 0).
  void reset();

  std::string read_exactly(std::size_t n);
  // Up to and with `marker`.
  std::string read_until(std::string_view marker);
  // Everything up to the peer's orderly end; throws if it resets instead.
  std::string read_to_end();
  // Everything up to the end or the reset, and which of them it was.
  struct Rest {
    std::string bytes;
    bool reset = false;
  };
  Rest read_rest();
  // Whether anything (bytes, end, reset) can be read within `wait`.
  bool readable(std::chrono::milliseconds wait = std::chrono::milliseconds{0});

  // Appends what is there already, without waiting.
  void drain_into(std::string& bytes);
  // Gives bytes back, to be read again before all others.
  void unread(std::string_view bytes) { buffer_.insert(0, bytes); }

  bool writable(std::chrono::milliseconds wait);

  // A head, and the body that its framing announces.
  Message read_request();
  Message read_head() { return Message{read_until("\r\n\r\n"), {}, {}, {}}; }
  // `to_head`: it answers a HEAD request. Interim responses are responses of their own here.
  Message read_response(bool to_head = false);

 private:
  bool fill();  // one read; false at the end
  bool send_bytes(std::string_view bytes);
  void read_body(Message& message, bool until_close);
  void read_chunks(Message& message);

  int fd_ = -1;
  std::string who_;
  std::string buffer_;
  bool was_reset_ = false;
  std::unique_ptr<Http2Text> http2_;  // null: the text is the bytes
};

// Connects to 127.0.0.1:port, or throws. `receive_buffer`: SO_RCVBUF when not 0.
Link connect_to(std::uint16_t port, int receive_buffer = 0);

// Connects to a unix socket, or throws.
Link connect_to(const std::string& path);

// A listening socket that plays the backend.
class Backend {
 public:
  Backend();
  // On a unix socket instead of a port of the loopback.
  explicit Backend(const std::string& path);
  ~Backend() { stop(); }
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // The next connection of the proxy.
  Link accept();
  // Whether one waits to be accepted.
  bool has_connection(std::chrono::milliseconds wait = std::chrono::milliseconds{0});
  // Refuse connections from now on.
  void stop();

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

// A server whose queue of connections is full: the kernel leaves further ones unanswered.
class FullBackend {
 public:
  FullBackend();
  ~FullBackend();
  FullBackend(const FullBackend&) = delete;
  FullBackend& operator=(const FullBackend&) = delete;
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::vector<int> queued_;
};

}  // namespace keepsake::test
