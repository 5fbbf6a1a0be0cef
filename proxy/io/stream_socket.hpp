#pragma once
// A stream socket that asks the kernel for bytes only when it may have some. Asio's own reads ask
// at once and again when the socket is ready; between exchanges the first answer is always "nothing
// yet", which made two of the six system calls of an exchange. Here a read that took all there was
// is followed by one that waits. That is safe because the kernel says with the bytes whether more,
// or the end, is behind them (TCP_INQ); where it does not say (unix sockets), the next read asks.
// Under load a read is left to the round (io_round.hpp), whose kernel call says the same by a flag.
// Only a reset that came together with the last bytes is not announced: missed() finds it, at the
// next sweep.
//
// This is the one place that stands on Asio's inside: boost::asio::detail::reactor_op, whose
// done_and_exhausted means just that and which no public call offers.

#include <boost/asio/detail/reactor.hpp>
#include <boost/asio/detail/reactor_op.hpp>
#include <cstddef>

#include "io/asio.hpp"
#include "io/io_round.hpp"

namespace keepsake {

class StreamSocket;

// Where the bytes of a read go: asked for only when there are some, so that a connection that waits
// holds no buffer.
class ReadSpace {
 public:
  virtual asio::mutable_buffer take() = 0;
  // There was nothing after all.
  virtual void give_back() = 0;

 protected:
  ~ReadSpace() = default;
};

// The one read that a StreamSocket can have in flight. It is a member of whoever owns the socket
// and must outlive the read, like the ReadSpace.
class ReceiveOp final : private asio::detail::reactor_op, private IoRound::Op {
 public:
  // As Asio's handlers are called: operation_aborted when cancelled, eof at the end.
  using Done = void (*)(void* owner, const error_code& error, std::size_t bytes);

  explicit ReceiveOp(IoRound& round);
  // Whether the last read is known to have left nothing in the kernel, no end either.
  bool took_all() const { return emptied_; }
  using IoRound::Op::holds_untold;
  // Whether the kernel has said that there is something to read, which a round has yet to do.
  bool is_announced() const { return announced_; }
  ReceiveOp(const ReceiveOp&) = delete;
  ReceiveOp& operator=(const ReceiveOp&) = delete;

 private:
  friend class StreamSocket;
  static status perform(asio::detail::reactor_op* base);
  static void complete(void* scheduler, asio::detail::operation* base, const error_code&,
                       std::size_t);
  IoRound::Call call() override;
  void performed(int result, bool more) override;
  void tell();

  IoRound& round_;
  StreamSocket* socket_ = nullptr;
  std::size_t size_ = 0;        // what the round's read has room for
  bool left_to_round_ = false;  // by perform(), for complete()
  bool announced_ = false;      // left to a round that has not been made
  bool emptied_ = false;        // the last read took all there was
  bool unasked_ = false;        // this one waits without having asked
  bool ask_ = false;            // the next one has to: no event will tell of what is there
  ReadSpace* space_ = nullptr;
  Done done_ = nullptr;
  void* owner_ = nullptr;
};

class StreamSocket : public Socket {
 public:
  explicit StreamSocket(asio::io_context& io);

  // Takes over a descriptor that nobody else has: closing it is all it then takes to be rid of it.
  void adopt(const asio::generic::stream_protocol& protocol, int fd, error_code& error);

  // Calls `done` once, from the io_context, with at least one byte in what `space` gave or an
  // error. cancel() and close() end it like any other operation.
  void receive(ReceiveOp& op, ReadSpace& space, ReceiveOp::Done done, void* owner);
  // Whether the kernel says with a read what it left.
  bool tells_rest();
  // Whether a read that waits without having asked has something to get after all: then cancel()
  // it, and receive() once more. Asks once for each wait.
  bool missed(ReceiveOp& op);

 private:
  asio::detail::reactor& reactor_;
};

// What every TCP socket of ours has: no delay of small writes, and TCP_INQ. Accepted sockets
// inherit both from the listening one, which saves two system calls for each. Other kinds are left
// alone.
void tune_tcp(int fd);

}  // namespace keepsake
