#pragma once
// One link to one backend server, made by ServerPool and lent to one exchange at a time. While it
// idles a read stays pending: the server closing it, or sending bytes nobody asked for, is seen at
// once and the link is dropped, so a stray response can never be taken for the answer to the next
// request (and the system calls per exchange stay the same, since the read that waits for a
// response is the same read).

#include <coroutine>
#include <memory>

#include "base/buffer.hpp"
#include "base/stream.hpp"
#include "http/keep_alive.hpp"

namespace keepsake {

class AuthenticatedConnections;
class ServerPool;

class BackendConnection final : private ReadSpace {
 public:
  BackendConnection(ServerPool& pool, asio::io_context& io, StreamList& streams,
                    BufferPool& buffers);

  Stream stream;
  Buffer in;            // received, not yet used; no memory while idle
  bool reused = false;  // has served an exchange before
  SteadyTime idle_since{};
  Endpoint endpoint;             // where it goes to
  std::uint32_t generation = 0;  // of the pool's addresses when that was last found among them
  unsigned tls_epoch = 0;        // of the pool's ServerTls when it was made
  // What the server's Keep-Alive allows from now on.
  Millis most_idle = Millis::max();
  std::uint32_t requests_left = KeepAlive::kUnsaid;

  // A client authenticated on it: while it idles it belongs to that client's connection, or, with
  // null, it serves no further request.
  void belong_to(AuthenticatedConnections* owner) {
    owner_ = owner;
    serves_on_ = owner != nullptr;
  }
  // What the server said of its keep-alive with its last response.
  void obey(const KeepAlive& said);

  struct MoreAwaiter;
  // Waits until more bytes are in `in` (which has space), or the end, or the deadline.
  MoreAwaiter more(SteadyTime deadline);

  // Writes a request's head and, with it, a body. Interrupted, with nothing written, though the
  // stream was not: bytes or an end came before that nobody had asked for, so the link is of no use
  // and the request may go elsewhere. `at_once`: see WriteTerms.
  Stream::WriteAwaiter send(Millis stall, std::string_view head, std::string_view body,
                            bool at_once) {
    return stream.write(stall, head, body, WriteTerms{at_once, &has_result_});
  }

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
  friend class ServerPool;
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

inline BackendConnection::MoreAwaiter BackendConnection::more(SteadyTime deadline) {
  return MoreAwaiter{*this, deadline};
}

}  // namespace keepsake
