#pragma once
// The reads and writes that one turn of a worker's event loop has made possible, performed
// together: first all reads, whose owners are told and mostly have something to write then, after
// them all writes; by one system call each (io_uring), or by one for each operation where the
// kernel does not offer that. Belongs to a StreamList; only its streams come here.
//
// Nothing is asynchronous about it: every call is marked not to wait (MSG_DONTWAIT), so its result
// is there when the kernel returns. Readiness stays Asio's affair, and a call that would have to
// wait says so, as it does without io_uring. Of io_uring nothing but SEND and RECV is used, and the
// ring is told to refuse everything else.
//
// Why: a system call costs 0.1 to 1.1 microseconds before it does anything, by processor and
// hypervisor, and an exchange needs four. With 64 busy clients a round has some thirty operations;
// the measurement is in ARCHITECTURE.md. A small round costs more calls than it saves, so while
// they stay small most operations go alone (see goes_alone()).

#include <cstddef>
#include <memory>

#include "io/asio.hpp"
#include "io/op_slot.hpp"

namespace keepsake {

class IoRound {
 public:
  // What one read or write comes down to.
  struct Call {
    int fd;  // negative: nothing to do any more, which performed() is told as -ECANCELED
    char* data;
    std::size_t size;
  };

  // One read or write, owned by whoever waits for it, which must live until performed().
  class Op {
   public:
    Op() = default;
    Op(const Op&) = delete;
    Op& operator=(const Op&) = delete;
    // What to do, asked just before it is done (twice, if the kernel failed the ring).
    virtual Call call() = 0;
    // `result` is a number of bytes or a negated errno, never EINTR. `more`, of a read: more bytes,
    // or the end, may be behind these. The kernel tells of TCP; of others "no" means nothing.
    virtual void performed(int result, bool more) = 0;
    // Bytes that were read and that the owner has not been told of yet: the kernel does not have
    // them any more, and nobody above knows.
    bool holds_untold() const { return place.result > 0; }

    // The round's own; `result` also while the owner has a result to tell.
    struct Place {
      Op* next = nullptr;
      int result = 0;
      bool more = false;
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

  // From now on there are rounds; to be called on the thread that runs `io`. False if they are not
  // performed by one system call: not wanted, or not allowed here.
  bool begin(asio::io_context& io, bool one_call, unsigned alone = kAlone);

  // Asked once for each operation that could be made now: whether it is to be made by itself.
  // Mostly not while rounds have more than a few; after a small one for a while, until another is
  // tried. Reads join only where one call does for all, since else they gain nothing.
  bool read_goes_alone() { return ring_ == nullptr || goes_alone(); }
  bool write_goes_alone() { return goes_alone(); }
  // The operation joins the round, which is made when what else is ready has been looked at.
  void add_read(Op& op) { add(reads_, op); }
  void add_write(Op& op) { add(writes_, op); }

 private:
  struct Ring;
  struct Queue {
    Op* first = nullptr;
    Op** last = &first;
    unsigned size = 0;
  };
  enum class Kind : bool { Read, Write };

  bool goes_alone() {
    if (alone_ > 0) {
      --alone_;
      return true;
    }
    return io_ == nullptr;
  }
  void add(Queue& queue, Op& op);
  void announce();
  void make();
  unsigned perform(Queue& queue, Kind kind);
  Op* perform_by_ring(Op* first, Kind kind);
  static Op* perform_alone(Op* op, Kind kind);

  std::unique_ptr<Ring> ring_;
  asio::io_context* io_ = nullptr;
  OpSlot post_slot_;
  Queue reads_;
  Queue writes_;
  bool announced_ = false;
  unsigned alone_ = 0;  // operations that still go alone
  int saved_ = 0;       // system calls, by the last rounds
  unsigned alone_after_small_ = kAlone;
};

}  // namespace keepsake
