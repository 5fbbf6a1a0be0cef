#pragma once
// What an exchange has of a backend server: a connection of HTTP/1 for one exchange at a time, or a
// stream of an HTTP/2 connection that many share (`http2` is set). The steps of an exchange do not
// know which; one branch for each operation, as in exchange/client_side.hpp.
//
// A connection of HTTP/1 is made by ServerPool and kept by it between exchanges. While it
// idles a read stays pending: the server closing it, or sending bytes nobody asked for, is seen at
// once and the link is dropped, so a stray response can never be taken for the answer to the next
// request (and the system calls per exchange stay the same, since the read that waits for a
// response is the same read).

#include <coroutine>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "http/keep_alive.hpp"
#include "io/stream.hpp"

namespace keepsake {

class AuthenticatedConnections;
class BackendWrite;
class ServerPool;
struct BackendStream;

class BackendConnection final : private ReadSpace {
 public:
  BackendConnection(ServerPool& pool, asio::io_context& io, StreamList& streams,
                    BufferPool& buffers);

  Stream stream;                   // over HTTP/2 without a socket
  BackendStream* http2 = nullptr;  // null: HTTP/1
  Buffer in;                       // received, not yet used; no memory while idle
  bool reused = false;  // has served an exchange before
  SteadyTime idle_since{};
  Endpoint endpoint;             // where it goes to
  std::uint32_t generation = 0;  // of the pool's addresses when that was last found among them
  unsigned tls_epoch = 0;        // of the pool's ServerTls when it was made
  // What the server's Keep-Alive allows from now on.
  Millis most_idle = Millis::max();
  std::uint32_t requests_left = KeepAlive::kUnsaid;

  // A client authenticated on it: while it idles it belongs to that client's connection, or, with
  // null or over HTTP/2, it serves no further request.
  void belong_to(AuthenticatedConnections* owner);
  // What the server said of its keep-alive with its last response.
  void obey(const KeepAlive& said);

  struct MoreAwaiter;
  // Waits until more bytes are in `in` (which has space), or the end, or the deadline. Over HTTP/2
  // the bytes are heads as text of HTTP/1.1 and behind them the body as it is; the end is that of
  // the response.
  MoreAwaiter more(SteadyTime deadline);
  // Of a read that waits.
  void set_read_deadline(SteadyTime deadline);

  // Writes a request's head and, with it, a body; `last`: nothing follows. Interrupted, with
  // nothing written, though this was not interrupted: bytes or an end came before that nobody had
  // asked for, or the HTTP/2 connection takes no more requests, so the request may go elsewhere.
  // `at_once`: see WriteTerms. Over HTTP/2 names in `head` become lower case.
  BackendWrite send(Millis stall, std::string& head, std::string_view body, bool last,
                    bool at_once);
  // Writes a piece of the body, over HTTP/1 as a chunk of its own if `chunked`; with the `last` one
  // the end of the body. `scratch` is for chunk lines.
  Task<IoStatus> write_piece(Millis stall, std::string_view data, bool last, bool chunked,
                             std::string& scratch);
  // The next request is the handshake of a WebSocket with this key. False: the server does not take
  // them (RFC 8441).
  bool expect_tunnel(std::string_view key);
  // In a tunnel: nothing more will be written.
  void end_writing();
  // How much of what was written the server has not accepted; see Stream::unsent.
  int unsent();

  // Ends what waits, and what would, with Interrupted.
  void interrupt();
  bool interrupted() const { return stream.interrupted(); }

  // --- Of a response over HTTP/2; over HTTP/1 its text says it all.

  // What makes it worthless; None: it breaks no rule.
  Fault fault() const;
  std::string_view why() const;
  // The server has not looked at the request, and says so: it may go anywhere else.
  bool refused() const;
  // It has ended, and all of it is in `in`, less its trailers, which are lines.
  bool has_all() const;
  std::string_view trailers() const;

  // Whether anything (bytes or an end) has arrived since the last exchange, as far as we know; the
  // kernel is asked only if it has hinted at something.
  bool is_known_stale() {
    return has_result_ || !in.empty() || stream.holds_untold() ||
           (stream.is_announced() && stream.has_news());
  }
  // The same; the kernel is asked.
  bool is_stale() { return is_known_stale() || stream.has_news(); }

 private:
  friend class AuthenticatedConnections;
  friend class BackendWrite;
  friend class ServerPool;
  friend class SharedConnection;
  friend struct BackendStream;
  // Whether it may idle on after its last exchange.
  bool may_idle() const {
    return serves_on_ && requests_left != 0 && in.empty() && !has_result_ && !stream.interrupted();
  }
  void begin_to_idle(SteadyTime now);
  void ready_buffer();
  asio::mutable_buffer take() override;
  void give_back() override;
  void begin_read();
  void on_read(const error_code& error, std::size_t bytes);
  // Lets the link go: at once, or as soon as its pending read has been called back.
  static void destroy(BackendConnection* connection);

  ServerPool* pool_;
  BufferPool* buffers_;
  AuthenticatedConnections* owner_ = nullptr;
  bool serves_on_ = true;
  std::coroutine_handle<> waiter_{};
  IoResult result_{};
  bool reading_ = false;
  bool has_result_ = false;
  bool idle_ = false;
  bool doomed_ = false;
};

struct BackendConnection::MoreAwaiter {
  BackendConnection& self;
  SteadyTime deadline;
  bool await_ready();
  void await_suspend(std::coroutine_handle<> waiter);
  IoResult await_resume();
};

// The wait of send().
class BackendWrite {
 public:
  BackendWrite(BackendConnection& to, Millis stall, std::string& head, std::string_view body,
               bool last, bool at_once)
      : http2_(to.http2) {
    if (http2_ == nullptr) [[likely]] {
      new (&wire_) Stream::WriteAwaiter{
          to.stream, stall, head, body, {}, WriteTerms{at_once, &to.has_result_}};
    } else {
      open(stall, head, body, last);
    }
  }
  // A further piece of the body of a request over HTTP/2.
  BackendWrite(BackendStream& to, Millis stall, std::string_view piece, bool last);
  BackendWrite(const BackendWrite&) = delete;
  BackendWrite& operator=(const BackendWrite&) = delete;

  bool await_ready() {
    return http2_ == nullptr ? wire_.await_ready() : status_ != IoStatus::Ok || is_settled();
  }
  void await_suspend(std::coroutine_handle<> waiter) {
    http2_ == nullptr ? wire_.await_suspend(waiter) : wait(waiter);
  }
  IoStatus await_resume() { return http2_ == nullptr ? wire_.await_resume() : result(); }

 private:
  void open(Millis stall, std::string& head, std::string_view body, bool last);
  bool is_settled();
  void wait(std::coroutine_handle<> waiter);
  IoStatus result();

  union {
    Stream::WriteAwaiter wire_;
    Millis stall_;
  };
  BackendStream* http2_;
  IoStatus status_ = IoStatus::Ok;
};

inline BackendWrite BackendConnection::send(Millis stall, std::string& head, std::string_view body,
                                            bool last, bool at_once) {
  return {*this, stall, head, body, last, at_once};
}
inline BackendConnection::MoreAwaiter BackendConnection::more(SteadyTime deadline) {
  return MoreAwaiter{*this, deadline};
}

}  // namespace keepsake
