#pragma once
// TLS on one link: what a Stream holds when its bytes are encrypted. The Stream reads the socket
// and feeds what came (one read takes whatever has arrived, as without TLS); writes go to the
// socket directly. Made by TlsListener and TlsBackend, stays on one thread, waits for nothing.

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "io/tls_session.hpp"

namespace keepsake {

enum class TlsStep : std::uint8_t {
  Done,
  WantRead,   // nothing can be done before bytes arrive
  WantWrite,  // nothing can be done before the kernel takes bytes
  End,        // the peer said that it ends (RFC 8446 6.1)
  Failed,
};

class Tls {
 public:
  // Which end of the link we are: only a server may leave out the end of its bytes (many clients
  // do), what a backend breaks off is cut.
  enum class End : std::uint8_t { Server, Client };

  // `ssl` is in its accept or connect state. `context` lives as long as this. Does not own `fd`.
  Tls(SSL* ssl, int fd, End end, std::shared_ptr<const void> context);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  // One step; feed() what arrives in landing({}, 0) after WantRead.
  TlsStep handshake();

  struct Landing {
    char* data;
    std::size_t size;
  };
  static constexpr std::size_t kLeastLanding = 4 * 1024;
  // Where bytes of the socket may be put that will be decrypted into [data, data + size): the far
  // part of it if it is large, memory of ours if it is not. Only after a WantRead.
  Landing landing(char* data, std::size_t size);
  // That many bytes were put there.
  void feed(std::size_t bytes) { input_ = {landed_, bytes}; }
  // Whether a read() could yield something without more bytes from the socket.
  bool ready() const {
    return broken_ || ended_ || !input_.empty() || SSL_has_pending(ssl_.get()) == 1;
  }
  // Decrypts all that has come, at most `size` bytes. Done: at least one byte.
  TlsStep read(char* data, std::size_t size, std::size_t& bytes);
  // For an idle link: whether `bytes`, just taken off the socket, hold more than the library's own
  // messages (session tickets).
  bool is_news(std::string_view bytes);

  // Encrypts `first`, then `second`, then `third`; small pieces share a record. `bytes` may be less
  // than all. After WantWrite the same bytes must be offered again.
  TlsStep write(std::string_view first, std::string_view second, std::string_view third,
                std::size_t& bytes);

  // Tells the peer, once, that our bytes end here; does not wait.
  void say_end();
  // Not a word more: what was said is incomplete.
  void give_up() { broken_ = true; }
  // An idle link needs no buffers.
  void release_buffers();

  bool is_client() const { return end_ == End::Client; }
  // Whether ALPN chose "h2".
  bool speaks_http2() const;
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  // Why the handshake failed, for the log; says nothing that the peer chose but its alerts.
  const std::string& why() const { return why_; }
  // The subject of the certificate that the client showed and that was verified, as RFC 2253 text
  // in UTF-8; empty without one.
  std::string client_subject() const;

 private:
  friend struct TlsBio;
  TlsStep judge(int result);

  std::unique_ptr<SSL, TlsFree> ssl_;
  std::shared_ptr<const void> context_;
  int fd_;
  End end_;
  bool established_ = false;
  bool broken_ = false;
  bool ended_ = false;
  bool said_end_ = false;
  std::string_view input_;  // arrived, not yet in the library
  char* landed_ = nullptr;
  std::unique_ptr<char[]> spare_;
  std::string why_;
};

}  // namespace keepsake
