#include "io/io_round.hpp"

#include <liburing.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "io/log.hpp"

namespace keepsake {

namespace {

// A larger round is performed in parts.
constexpr unsigned kEntries = 256;
// The calls of a round: for its reads, for its writes, and the look for events that comes before.
constexpr int kCallsOfRound = 3;
// So many saved calls are remembered: what small rounds, when the load falls, are paid with.
constexpr int kMostSaved = 64;
// The kernel stops at an entry that it has no memory for, and goes on with it at the next attempt.
constexpr int kAttempts = 16;
constexpr int kNone = std::numeric_limits<int>::min();  // no result yet
constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;

}  // namespace

// The kernel's side of a round, for one thread.
struct IoRound::Ring {
  // Null if the kernel does not have it, or does not allow it here.
  static std::unique_ptr<Ring> make() {
    auto ring = std::make_unique<Ring>();
    // DEFER_TASKRUN stands for a kernel (6.1) that says with a read what it left (5.19).
    ring->made = ::io_uring_queue_init(kEntries, &ring->uring,
                                       IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                           IORING_SETUP_R_DISABLED) == 0;
    if (!ring->made || !ring->restrict()) {
      return nullptr;
    }
    return ring;
  }
  Ring() = default;
  ~Ring() {
    if (made) {
      ::io_uring_queue_exit(&uring);
    }
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // By the system call: liburing 2.3 declares functions for both but does not export them.
  bool restrict() const {
    io_uring_restriction allowed[2]{};
    allowed[0].opcode = allowed[1].opcode = IORING_RESTRICTION_SQE_OP;
    allowed[0].sqe_op = IORING_OP_SEND;
    allowed[1].sqe_op = IORING_OP_RECV;
    const auto tell = [this](unsigned what, void* argument, unsigned size) {
      return ::syscall(SYS_io_uring_register, uring.ring_fd, what, argument, size) == 0;
    };
    return tell(IORING_REGISTER_RESTRICTIONS, allowed, 2) &&
           tell(IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  }
  void add(Op& op, const Call& call, Kind kind) {
    io_uring_sqe* entry = ::io_uring_get_sqe(&uring);
    if (kind == Kind::Write) {
      ::io_uring_prep_send(entry, call.fd, call.data, call.size, kFlags);
    } else {
      ::io_uring_prep_recv(entry, call.fd, call.data, call.size, kFlags);
    }
    ::io_uring_sqe_set_data(entry, &op);
  }
  // Performs `count` entries. What the kernel takes it answers at once, as it must not wait for any
  // of them. False if it did not take all; those keep kNone.
  bool submit(unsigned count) {
    for (int attempt = 0; attempt < kAttempts && ::io_uring_sq_ready(&uring) > 0; ++attempt) {
      ::io_uring_submit_and_wait(&uring, count);
    }
    unsigned head = 0;
    unsigned seen = 0;
    io_uring_cqe* answer = nullptr;
    io_uring_for_each_cqe(&uring, head, answer) {
      Op::Place& place = static_cast<Op*>(::io_uring_cqe_get_data(answer))->place;
      place.result = answer->res == -EINTR ? kNone : answer->res;
      place.more = (answer->flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
      ++seen;
    }
    ::io_uring_cq_advance(&uring, seen);
    return seen == count;
  }

  io_uring uring{};
  bool made = false;
};

IoRound::IoRound() = default;
IoRound::~IoRound() = default;

bool IoRound::begin(asio::io_context& io, bool one_call, unsigned alone) {
  io_ = &io;
  alone_after_small_ = alone;
  if (one_call) {
    ring_ = Ring::make();
  }
  return ring_ != nullptr;
}

void IoRound::add(Queue& queue, Op& op) {
  op.place = {};
  *queue.last = &op;
  queue.last = &op.place.next;
  ++queue.size;
  if (!announced_) {
    announce();
  }
}

void IoRound::announce() {
  announced_ = true;
  asio::post(*io_, in_slot(post_slot_, [this] { make(); }));
}

// Writes that the reads give rise to are made in the same round; what comes up while the owners of
// writes are told, in the next.
void IoRound::make() {
  const unsigned performed = perform(reads_, Kind::Read) + perform(writes_, Kind::Write);
  saved_ = std::min(saved_ + static_cast<int>(performed) - kCallsOfRound, kMostSaved);
  if (saved_ < 0) {
    saved_ = 0;
    alone_ = alone_after_small_;
  }
  announced_ = false;
  if (reads_.first != nullptr || writes_.first != nullptr) {
    announce();
  }
}

unsigned IoRound::perform(Queue& queue, Kind kind) {
  const unsigned size = std::exchange(queue.size, 0);
  Op* op = std::exchange(queue.first, nullptr);
  queue.last = &queue.first;
  while (op != nullptr) {
    op = ring_ ? perform_by_ring(op, kind) : perform_alone(op, kind);
  }
  return size;
}

IoRound::Op* IoRound::perform_alone(Op* op, Kind kind) {
  Op* next = op->place.next;  // `op` may be gone, or in the next round, once it is told
  const Call call = op->call();
  int result = -ECANCELED;
  if (call.fd >= 0) {
    ssize_t n = 0;
    do {
      n = kind == Kind::Write ? ::send(call.fd, call.data, call.size, kFlags)
                              : ::recv(call.fd, call.data, call.size, kFlags);
    } while (n < 0 && errno == EINTR);
    result = n < 0 ? -errno : static_cast<int>(n);
  }
  op->performed(result, true);
  return next;
}

// As many from `first` on as the ring holds; returns the first that it does not.
IoRound::Op* IoRound::perform_by_ring(Op* first, Kind kind) {
  unsigned count = 0;
  Op* end = first;
  for (unsigned asked = 0; end != nullptr && asked < kEntries; ++asked, end = end->place.next) {
    const Call call = end->call();
    if (call.fd < 0) {
      end->place.result = -ECANCELED;
    } else {
      end->place.result = kNone;
      ring_->add(*end, call, kind);
      ++count;
    }
  }
  if (!ring_->submit(count)) {
    ring_.reset();  // what it did not take has not been done, and goes without it
    log::warn("io_uring failed; from now on each read and write is a system call of its own");
  }
  while (first != end) {
    if (first->place.result == kNone) {
      first = perform_alone(first, kind);
    } else {
      Op* op = std::exchange(first, first->place.next);
      op->performed(op->place.result, op->place.more);
    }
  }
  return end;
}

}  // namespace keepsake
