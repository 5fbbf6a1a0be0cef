#pragma once
// One byte stream to a client or a backend, plain or TLS, and the only code that reads or writes a
// socket on the data path; nothing above it knows the difference. Awaiting an operation suspends
// the calling coroutine without a frame of its own; a write that the kernel takes at once does not
// suspend at all. Every operation has a deadline: a stamp that the worker's sweep compares (one
// timer per worker instead of one per operation, which costs 3 100 instructions per exchange).
//
// A Stream stays on its worker's thread. At most one read and one write are in flight. It must
// outlive both: whoever destroys it first interrupts it and lets the waiting coroutine finish.

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "io/asio.hpp"
#include "io/op_slot.hpp"
#include "io/stream_socket.hpp"
#include "io/task.hpp"

namespace keepsake {

enum class IoStatus : std::uint8_t {
  Ok,
  End,          // orderly end of the peer's bytes; of a TLS backend's only if it said so
  Failed,       // reset, broken pipe, unreachable ...
  TimedOut,     // the deadline passed
  Interrupted,  // Stream::interrupt was called
};

struct IoResult {
  IoStatus status = IoStatus::Ok;
  std::size_t bytes = 0;
};

class Stream;
class Tls;

// What a write that may have to wait for its round asks for.
struct WriteTerms {
  bool at_once = false;          // rather a system call of its own than to wait
  const bool* unless = nullptr;  // if that is true by then nothing is written: Interrupted
};

// All streams of one thread: of clients in whichever phase, of backends, of stores, of health
// checks. Swept for passed deadlines; and the one place that interrupts all of them.
class StreamList {
 public:
  StreamList() = default;
  StreamList(const StreamList&) = delete;
  StreamList& operator=(const StreamList&) = delete;

  // Interrupts every stream whose deadline is over and remembers `now` for new deadlines. `tick` is
  // the time until the next sweep: deadlines are rounded up by it, never down. Finds what
  // StreamSocket::missed tells of, too.
  void sweep(SteadyTime now, Millis tick);
  // The end: interrupts every stream, and each that is made afterwards from its beginning.
  void close();
  SteadyTime now() const { return now_; }
  void set_now(SteadyTime now) { now_ = now; }
  // Where the reads and writes of these streams meet.
  IoRound& round() { return round_; }

 private:
  friend class Stream;
  IoRound round_;
  Stream* first_ = nullptr;
  SteadyTime now_{};
  Millis tick_{1000};
  bool closed_ = false;
};

class Stream {
 public:
  Stream(asio::io_context& io, StreamList& list);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  Socket& socket() { return socket_; }
  // Takes over a connected descriptor, which is as tune_tcp() wants it if it is one of TCP. False
  // if the kernel refuses.
  bool adopt(int fd, int family);
  bool is_open() const { return socket_.is_open(); }
  int fd() { return socket_.native_handle(); }

  // Makes the connected stream a TLS one; `tls` was made for its descriptor. Anything but Ok leaves
  // it plain and of no further use; why() of the handshake's Tls goes to `why`.
  Task<IoStatus> handshake(std::unique_ptr<Tls>& tls, SteadyTime deadline, std::string& why);
  // Null on a plain stream.
  Tls* tls() const { return tls_.get(); }

  // The stamp `timeout` from now, for a read; rounded up to the next sweep.
  SteadyTime in(Millis timeout) const { return list_.now_ + timeout + list_.tick_; }

  // Ends the operations in flight, and those to come, with Interrupted.
  void interrupt();
  const bool& interrupted() const { return interrupted_; }
  // For BackendConnection, whose read stays pending between exchanges: the deadline of that read,
  // and whether it was what ended it.
  void set_read_deadline(SteadyTime deadline) {
    read_deadline_ = deadline;
    read_timed_out_ = false;
  }
  bool read_timed_out() const { return read_timed_out_; }
  // Also for BackendConnection: begins a read into `space`, which gives what landing() makes of its
  // memory; and what becomes of `bytes` that landed: false when that is nothing yet, else `result`
  // says it.
  void receive(ReadSpace& space, ReceiveOp::Done done, void* owner) {
    socket_.receive(receive_op_, space, done, owner);
  }
  asio::mutable_buffer landing(char* data, std::size_t size) {
    return tls_ ? tls_landing(data, size) : asio::mutable_buffer{data, size};
  }
  bool landed(std::size_t bytes, char* data, std::size_t size, IoResult& result) {
    if (tls_) [[unlikely]] {
      return tls_landed(bytes, data, size, result);
    }
    result = {IoStatus::Ok, bytes};
    return true;
  }
  // Whether the last read is known to have left nothing in the kernel.
  bool took_all() const { return receive_op_.took_all(); }
  // Whether bytes have been read off the kernel that nobody has been given yet.
  bool holds_untold() const { return receive_op_.holds_untold(); }
  // Whether there may be bytes that a round has yet to read.
  bool is_announced() const { return receive_op_.is_announced(); }
  // What a TLS stream has left of what it was fed, if it has_buffered(); false: nothing to read
  // yet.
  bool has_buffered() const { return tls_ && tls_has_buffered(); }
  bool take_buffered(char* data, std::size_t size, IoResult& result) {
    return tls_take(data, size, result);
  }
  // Gives back what TLS holds for the next record; for streams that idle. True if that was
  // anything.
  bool rest() { return tls_ && tls_rest(); }
  // What the end of the socket's bytes means.
  IoStatus end_status() const { return tls_ ? tls_end_status() : IoStatus::End; }
  // Whether an idle stream got bytes or an end that somebody must look at; takes none off.
  bool has_news();
  // Ends only the read in flight (with Interrupted); the next one starts afresh. Bytes that have
  // been taken off the kernel for it arrive all the same.
  void nudge_reader();
  // Whether the kernel has bytes, an end or an error for the next read.
  bool has_input();

  // How many of the bytes that were written the peer has not accepted yet (RFC 9293 3.4: not
  // acknowledged); 0 when the kernel does not know.
  int unsent();
  // Whether the peer has reset the connection, as far as the kernel knows.
  bool is_reset();

  // The peer sees the end of our bytes; we still read. Errors do not matter here.
  void shutdown_write();
  // The same behind an incomplete message: of a TLS stream without close_notify (RFC 8446 6.1).
  // What is read afterwards are the peer's bytes as they come, of no meaning.
  void break_off();
  void close();
  // The peer gets a reset instead of an orderly end: for a truncated message (RFC 9112 8).
  void close_with_reset();

  class ReadAwaiter;
  struct WritableAwaiter;
  class WriteAwaiter;
  struct ConnectAwaiter;
  struct TurnAwaiter;

  // Reads at least one byte into [data, data+size), or TimedOut after `deadline`.
  ReadAwaiter read_some(char* data, std::size_t size, SteadyTime deadline);
  // The same into memory that `space` gives when there is something to read: for idle streams.
  ReadAwaiter read_into(ReadSpace& space, SteadyTime deadline);
  // Writes all of `first`, then all of `second`, in one system call if the kernel takes it.
  // TimedOut when the peer has accepted no byte for `stall`, by what the kernel says.
  WriteAwaiter write(Millis stall, std::string_view first, std::string_view second = {},
                     WriteTerms terms = {});
  // The same with `third` behind them.
  WriteAwaiter write(Millis stall, std::string_view first, std::string_view second,
                     std::string_view third);
  ConnectAwaiter connect(const Endpoint& endpoint, SteadyTime deadline);
  // Until everything else that is ready has had its turn: for an owner that could go on without
  // ever waiting. Not while a write is in flight.
  TurnAwaiter next_turn();

 private:
  friend class StreamList;
  void expire(SteadyTime now);
  void look_for_progress();
  // What `error` means to the wait that it ended; nothing when another one was meant, and this one
  // begins again.
  std::optional<IoStatus> verdict(const error_code& error, bool timed_out, bool nudged) const;
  // The rare half of the functions above; in stream_tls.cpp.
  asio::mutable_buffer tls_landing(char* data, std::size_t size);
  bool tls_landed(std::size_t bytes, char* data, std::size_t size, IoResult& result);
  bool tls_take(char* data, std::size_t size, IoResult& result);
  bool tls_has_buffered() const;
  bool tls_rest();
  bool tls_has_news();
  IoStatus tls_end_status() const;

  ReceiveOp receive_op_;  // before the socket, whose operations live in them
  OpSlot write_slot_;
  StreamSocket socket_;
  std::unique_ptr<Tls> tls_;
  StreamList& list_;
  Stream* next_ = nullptr;
  Stream** link_ = nullptr;
  // Of the operations in flight; max when there is none. A connect waits as a writer.
  SteadyTime read_deadline_ = SteadyTime::max();
  SteadyTime write_deadline_ = SteadyTime::max();
  // Of a write that waits: its `stall`, and what was unsent at the last look. Zero: a connect or a
  // handshake waits, whose deadline is a total.
  Millis stall_{0};
  int unsent_ = 0;
  bool read_timed_out_ = false;
  bool write_timed_out_ = false;
  bool interrupted_ = false;
  bool nudged_ = false;
};

class Stream::ReadAwaiter final : private ReadSpace {
 public:
  ReadAwaiter(Stream& stream, asio::mutable_buffer fixed, ReadSpace* given, SteadyTime deadline)
      : stream_(stream), given_(given), memory_(fixed), deadline_(deadline) {}
  ReadAwaiter(const ReadAwaiter&) = delete;
  ReadAwaiter& operator=(const ReadAwaiter&) = delete;

  bool await_ready();
  void await_suspend(std::coroutine_handle<> handle);
  IoResult await_resume() const { return result_; }

 private:
  asio::mutable_buffer take() override;
  void give_back() override;
  void ask_for_memory();
  char* data() const { return static_cast<char*>(memory_.data()); }
  void begin();
  void finish(const error_code& error, std::size_t bytes);

  Stream& stream_;
  ReadSpace* given_;
  asio::mutable_buffer memory_;
  SteadyTime deadline_;
  IoResult result_{};
  std::coroutine_handle<> waiter_{};
};

// Until the kernel takes bytes again, for the handshake.
struct Stream::WritableAwaiter {
  Stream& stream;
  SteadyTime deadline;
  IoStatus status = IoStatus::Ok;
  std::coroutine_handle<> waiter{};

  bool await_ready();
  void await_suspend(std::coroutine_handle<> handle);
  IoStatus await_resume() const { return status; }

 private:
  void begin();
};

class Stream::WriteAwaiter final : private IoRound::Op {
 public:
  WriteAwaiter(Stream& stream, Millis stall, std::string_view first, std::string_view second,
               std::string_view third, WriteTerms terms)
      : stream_(stream),
        stall_(stall),
        first_(first),
        second_(second),
        third_(third),
        terms_(terms) {
    if (first_.empty()) {
      next_part();
    }
  }

  // Tries at once, unless a round is to make the write: most end here or there.
  bool await_ready();
  void await_suspend(std::coroutine_handle<> handle);
  IoStatus await_resume() const { return status_; }

 private:
  IoRound::Call call() override;
  void performed(int result, bool more) override;
  bool called_off();
  // True when done (well or badly), false when the kernel's buffer is full.
  bool advance();
  bool advance_tls();
  void take(std::size_t bytes);
  void next_part() {
    first_ = second_.empty() ? third_ : second_;
    second_ = second_.empty() ? std::string_view{} : third_;
    third_ = {};
  }
  std::size_t left() const { return first_.size() + second_.size() + third_.size(); }
  void wait();
  void begin();

  Stream& stream_;
  Millis stall_;
  std::string_view first_, second_, third_;  // what is left; no empty one before another
  WriteTerms terms_;
  IoStatus status_ = IoStatus::Ok;
  std::coroutine_handle<> waiter_{};
  bool in_round_ = false;
};

struct Stream::ConnectAwaiter {
  Stream& stream;
  const Endpoint& endpoint;
  SteadyTime deadline;
  error_code error{};

  bool await_ready();
  void await_suspend(std::coroutine_handle<> waiter);
  // The system's error, for the log; a passed deadline is asio::error::timed_out.
  error_code await_resume() const { return error; }
};

struct Stream::TurnAwaiter {
  Stream& stream;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter);
  void await_resume() const {}
};

inline Stream::TurnAwaiter Stream::next_turn() {
  return TurnAwaiter{*this};
}
inline Stream::ReadAwaiter Stream::read_some(char* data, std::size_t size, SteadyTime deadline) {
  return ReadAwaiter{*this, asio::mutable_buffer{data, size}, nullptr, deadline};
}
inline Stream::ReadAwaiter Stream::read_into(ReadSpace& space, SteadyTime deadline) {
  return ReadAwaiter{*this, asio::mutable_buffer{}, &space, deadline};
}
inline void Stream::WriteAwaiter::take(std::size_t bytes) {
  while (bytes >= first_.size() && !first_.empty()) {
    bytes -= first_.size();
    next_part();
  }
  first_.remove_prefix(bytes);
}
inline Stream::WriteAwaiter Stream::write(Millis stall, std::string_view first,
                                          std::string_view second, WriteTerms terms) {
  return {*this, stall, first, second, {}, terms};
}
inline Stream::WriteAwaiter Stream::write(Millis stall, std::string_view first,
                                          std::string_view second, std::string_view third) {
  return {*this, stall, first, second, third, {}};
}
inline Stream::ConnectAwaiter Stream::connect(const Endpoint& endpoint, SteadyTime deadline) {
  return ConnectAwaiter{*this, endpoint, deadline};
}

}  // namespace keepsake
