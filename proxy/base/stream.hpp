#pragma once
// One byte stream to a client or a backend, and the only code that reads or writes a socket on the
// data path. Awaiting an operation suspends the calling coroutine without a frame of its own; a
// write that the kernel takes at once does not suspend at all. Every operation has a deadline: a
// stamp that the worker's sweep compares (one timer per worker instead of one per operation, which
// costs 3 100 instructions per exchange).
//
// A Stream stays on its worker's thread. At most one read and one write are in flight. It must
// outlive both: whoever destroys it first interrupts it and lets the waiting coroutine finish.

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/asio.hpp"
#include "base/clock.hpp"
#include "base/op_slot.hpp"

namespace keepsake {

enum class IoStatus : std::uint8_t {
  Ok,
  End,          // orderly end of the peer's bytes
  Failed,       // reset, broken pipe, unreachable ...
  TimedOut,     // the deadline passed
  Interrupted,  // Stream::interrupt was called
};

struct IoResult {
  IoStatus status = IoStatus::Ok;
  std::size_t bytes = 0;
};

class Stream;

// The streams of one worker, swept for passed deadlines.
class StreamList {
 public:
  StreamList() = default;
  StreamList(const StreamList&) = delete;
  StreamList& operator=(const StreamList&) = delete;

  // Interrupts every stream whose deadline is over and remembers `now` for new deadlines. `tick` is
  // the time until the next sweep: deadlines are rounded up by it, never down.
  void sweep(SteadyTime now, Millis tick);
  SteadyTime now() const { return now_; }
  void set_now(SteadyTime now) { now_ = now; }

 private:
  friend class Stream;
  Stream* first_ = nullptr;
  SteadyTime now_{};
  Millis tick_{1000};
};

class Stream {
 public:
  Stream(asio::io_context& io, StreamList& list);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  Socket& socket() { return socket_; }
  OpSlot& read_slot() { return read_slot_; }
  // Takes over a connected descriptor. False if the kernel refuses.
  bool adopt(int fd, int family);
  bool is_open() const { return socket_.is_open(); }
  int fd() { return socket_.native_handle(); }

  // The stamp `timeout` from now, for read_some and wait_readable; rounded up to the next sweep.
  SteadyTime in(Millis timeout) const { return list_.now_ + timeout + list_.tick_; }

  // Ends the operations in flight, and those to come, with Interrupted.
  void interrupt();
  bool interrupted() const { return interrupted_; }
  // For BackendConnection, whose read stays pending between exchanges: the deadline of that read,
  // and whether it was what ended it.
  void set_read_deadline(SteadyTime deadline) {
    read_deadline_ = deadline;
    read_timed_out_ = false;
  }
  bool read_timed_out() const { return read_timed_out_; }
  // Ends only the read in flight (with Interrupted); the next one starts afresh.
  void nudge_reader();

  // The peer sees the end of our bytes; we still read. Errors do not matter here.
  void shutdown_write();
  void close();
  // The peer gets a reset instead of an orderly end: for a truncated message (RFC 9112 8).
  void close_with_reset();

  struct ReadAwaiter;
  struct ReadableAwaiter;
  struct WriteAwaiter;
  struct ConnectAwaiter;

  // Reads at least one byte into [data, data+size), or TimedOut after `deadline`.
  ReadAwaiter read_some(char* data, std::size_t size, SteadyTime deadline);
  // Waits until something can be read, without a buffer.
  ReadableAwaiter wait_readable(SteadyTime deadline);
  // Writes all of `first`, then all of `second`, in one system call if the kernel takes it.
  // TimedOut when the peer takes nothing for `stall`.
  WriteAwaiter write(Millis stall, std::string_view first, std::string_view second = {});
  ConnectAwaiter connect(const Endpoint& endpoint, SteadyTime deadline);

 private:
  friend class StreamList;
  void expire(SteadyTime now);

  OpSlot read_slot_;  // before the socket, whose operations live in them
  OpSlot write_slot_;
  Socket socket_;
  StreamList& list_;
  Stream* next_ = nullptr;
  Stream** link_ = nullptr;
  // Of the operations in flight; max when there is none. A connect waits as a writer.
  SteadyTime read_deadline_ = SteadyTime::max();
  SteadyTime write_deadline_ = SteadyTime::max();
  bool read_timed_out_ = false;
  bool write_timed_out_ = false;
  bool interrupted_ = false;
  bool nudged_ = false;
};

struct Stream::ReadAwaiter {
  Stream& stream;
  char* data;
  std::size_t size;
  SteadyTime deadline;
  IoResult result{};
  std::coroutine_handle<> waiter{};

  bool await_ready();
  void await_suspend(std::coroutine_handle<> handle);
  IoResult await_resume() const { return result; }

 private:
  void begin();
};

struct Stream::ReadableAwaiter {
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

struct Stream::WriteAwaiter {
  Stream& stream;
  Millis stall;
  std::string_view first, second;
  IoStatus status = IoStatus::Ok;
  std::coroutine_handle<> waiter{};

  // Tries at once: most writes end here.
  bool await_ready();
  void await_suspend(std::coroutine_handle<> handle);
  IoStatus await_resume() const { return status; }

 private:
  // True when done (well or badly), false when the kernel's buffer is full.
  bool advance();
  void begin();
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

inline Stream::ReadAwaiter Stream::read_some(char* data, std::size_t size, SteadyTime deadline) {
  return ReadAwaiter{*this, data, size, deadline};
}
inline Stream::ReadableAwaiter Stream::wait_readable(SteadyTime deadline) {
  return ReadableAwaiter{*this, deadline};
}
inline Stream::WriteAwaiter Stream::write(Millis stall, std::string_view first,
                                          std::string_view second) {
  return WriteAwaiter{*this, stall, first, second};
}
inline Stream::ConnectAwaiter Stream::connect(const Endpoint& endpoint, SteadyTime deadline) {
  return ConnectAwaiter{*this, endpoint, deadline};
}

}  // namespace keepsake
