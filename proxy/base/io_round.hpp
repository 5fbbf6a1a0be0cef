#pragma once
// The reads and writes that one turn of a worker's event loop has made possible, performed
// together: by one system call for all of them (io_uring), or by one for each where the kernel does
// not offer that. Belongs to a StreamList; only its streams come here.
//
// Nothing is asynchronous about it: every call is marked not to wait (MSG_DONTWAIT), so its result
// is there when the kernel returns. Readiness stays Asio's affair, and a call that would have to
// wait says so, as it does without io_uring. Of io_uring nothing but SEND and RECV is used, and the
// ring is told to refuse everything else.
//
// Why: a system call costs 0.1 to 1.1 microseconds before it does anything, by processor and
// hypervisor, and an exchange needs four. With 64 busy clients a round has about thirty of them;
// the measurement is in ARCHITECTURE.md. Alone, a round costs two calls more than it saves, so
// while rounds stay small most operations go without (see gathers()).

#include <cstddef>
#include <memory>

#include "base/asio.hpp"
#include "base/op_slot.hpp"

namespace keepsake {

class IoRound {
 public:
  // What one read or write comes down to.
  struct Call {
    int fd;  // negative: nothing to do any more, which performed() is told as -ECANCELED
    bool is_write;
    char* data;
    std::size_t size;
  };

  // One read or write, owned by whoever waits for it, which must live until performed() was called.
  class Op {
   public:
    Op() = default;
    Op(const Op&) = delete;
    Op& operator=(const Op&) = delete;
    // What to do, asked just before it is done (twice, if the kernel failed the ring).
    virtual Call call() = 0;
    // `result` is a number of bytes or a negated errno. `rest`: of a read, whether the kernel says
    // that more bytes, or the end, are behind these; it says so of TCP alone.
    virtual void performed(int result, bool rest) = 0;

    // The round's own.
    struct Place {
      Op* next = nullptr;
      int result = 0;
      bool rest = false;
    } place;

   protected:
    ~Op() = default;
  };

  // How many operations go alone after a small round, until the next is tried.
  static constexpr unsigned kAlone = 128;

  IoRound();
  ~IoRound();
  IoRound(const IoRound&) = delete;
  IoRound& operator=(const IoRound&) = delete;

  // From now on operations are gathered; to be called on the thread that runs `io`. False if they
  // are not performed by one system call: not wanted, or not allowed here.
  bool begin(asio::io_context& io, bool one_call, unsigned alone = kAlone);

  // Whether an operation that could be made now should come here. Mostly so while rounds have more
  // than a few; else now and then, to find out. Reads only if one call does for all, since by
  // themselves they gain nothing here.
  bool gathers_reads() { return ring_ != nullptr && gathers(); }
  bool gathers() {
    if (alone_ > 0) {
      --alone_;
      return false;
    }
    return io_ != nullptr;
  }
  // The operation joins the round, which is performed when what else is ready has been looked at.
  void add(Op& op);

 private:
  struct Ring;
  void perform();
  Op* perform_by_ring(Op* first);
  static Op* perform_alone(Op* op);

  std::unique_ptr<Ring> ring_;
  asio::io_context* io_ = nullptr;
  OpSlot post_slot_;
  Op* first_ = nullptr;
  Op** last_ = &first_;
  unsigned gathered_ = 0;
  unsigned alone_ = 0;  // operations that still go alone
  unsigned alone_after_small_ = kAlone;
};

}  // namespace keepsake
