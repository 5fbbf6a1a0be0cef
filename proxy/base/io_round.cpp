#include "base/io_round.hpp"

#include <liburing.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <utility>

namespace keepsake {

namespace {

// A larger round is performed in parts.
constexpr unsigned kEntries = 256;
// A round of this many costs no more calls than its operations would by themselves.
constexpr unsigned kWorthwhile = 3;
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
  void add(Op& op, const Call& call) {
    io_uring_sqe* entry = ::io_uring_get_sqe(&uring);
    if (call.is_write) {
      ::io_uring_prep_send(entry, call.fd, call.data, call.size, kFlags);
    } else {
      ::io_uring_prep_recv(entry, call.fd, call.data, call.size, kFlags);
    }
    ::io_uring_sqe_set_data(entry, &op);
  }
  // Performs `count` entries. False if the kernel failed over some of them, which keep kNone.
  bool perform(unsigned count) {
    for (int attempt = 0; attempt < kAttempts && ::io_uring_sq_ready(&uring) > 0; ++attempt) {
      ::io_uring_submit_and_wait(&uring, count);
    }
    unsigned head = 0;
    unsigned seen = 0;
    io_uring_cqe* result = nullptr;
    io_uring_for_each_cqe(&uring, head, result) {
      auto* op = static_cast<Op*>(::io_uring_cqe_get_data(result));
      op->place.result = result->res;
      op->place.rest = (result->flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
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

void IoRound::add(Op& op) {
  if (first_ == nullptr) {
    asio::post(*io_, in_slot(post_slot_, [this] { perform(); }));
  }
  op.place.next = nullptr;
  *last_ = &op;
  last_ = &op.place.next;
  ++gathered_;
}

void IoRound::perform() {
  alone_ = std::exchange(gathered_, 0) < kWorthwhile ? alone_after_small_ : 0;
  last_ = &first_;
  for (Op* op = std::exchange(first_, nullptr); op != nullptr;) {
    op = ring_ ? perform_by_ring(op) : perform_alone(op);
  }
}

IoRound::Op* IoRound::perform_alone(Op* op) {
  Op* next = op->place.next;  // `op` may be gone, or in the next round, once it is told
  const Call call = op->call();
  op->place.rest = true;  // it does not say
  if (call.fd < 0) {
    op->place.result = -ECANCELED;
  } else {
    ssize_t n = 0;
    do {
      n = call.is_write ? ::send(call.fd, call.data, call.size, kFlags)
                        : ::recv(call.fd, call.data, call.size, kFlags);
    } while (n < 0 && errno == EINTR);
    op->place.result = n < 0 ? -errno : static_cast<int>(n);
  }
  op->performed(op->place.result, op->place.rest);
  return next;
}

// As many from `first` on as the ring holds; the first that it does not.
IoRound::Op* IoRound::perform_by_ring(Op* first) {
  unsigned count = 0;
  Op* end = first;
  for (; end != nullptr && count < kEntries; end = end->place.next) {
    const Call call = end->call();
    if (call.fd < 0) {
      end->place.result = -ECANCELED;
    } else {
      end->place.result = kNone;
      ring_->add(*end, call);
      ++count;
    }
  }
  if (!ring_->perform(count)) {
    ring_.reset();  // what it did not take has not been done, and goes without it
  }
  while (first != end) {
    if (first->place.result == kNone) {
      first = perform_alone(first);
    } else {
      Op* op = std::exchange(first, first->place.next);
      op->performed(op->place.result, op->place.rest);
    }
  }
  return end;
}

}  // namespace keepsake
