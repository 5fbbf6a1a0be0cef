#include "io/stream_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace keepsake {

namespace {

// What is left to be read as the kernel said it with the bytes; an end that has arrived counts as
// one byte. Negative: it did not say.
int left_of(const msghdr& message) {
  int left = -1;
  const cmsghdr* said = CMSG_FIRSTHDR(&message);
  if (said != nullptr && said->cmsg_level == SOL_TCP && said->cmsg_type == TCP_CM_INQ) {
    std::memcpy(&left, CMSG_DATA(said), sizeof left);
  }
  return left;
}

}  // namespace

ReceiveOp::ReceiveOp(IoRound& round)
    : reactor_op(error_code{}, &ReceiveOp::perform, &ReceiveOp::complete), round_(round) {}

asio::detail::reactor_op::status ReceiveOp::perform(asio::detail::reactor_op* base) {
  auto& op = *static_cast<ReceiveOp*>(base);
  if (!op.round_.read_goes_alone()) {
    // For Asio this announcement is used up: if the round's read leaves something, ask_ says so.
    op.left_to_round_ = op.announced_ = true;
    return done_and_exhausted;
  }
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  const asio::mutable_buffer to = op.space_->take();
  iovec part{to.data(), to.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ssize_t n = 0;
  do {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    n = ::recvmsg(op.socket_->native_handle(), &message, MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      op.space_->give_back();
      return not_done;
    }
    op.ec_ = error_code{errno, boost::system::system_category()};
    op.bytes_transferred_ = 0;
    return done;
  }
  op.ec_ = n == 0 ? error_code{asio::error::eof} : error_code{};
  op.bytes_transferred_ = static_cast<std::size_t>(n);
  op.emptied_ = left_of(message) == 0;
  op.place.result = static_cast<int>(n);  // until it is told
  return op.emptied_ ? done_and_exhausted : done;
}

void ReceiveOp::complete(void* scheduler, asio::detail::operation* base, const error_code&,
                         std::size_t) {
  if (scheduler == nullptr) {
    return;  // the io_context goes away, and nobody waits any more
  }
  auto& op = *static_cast<ReceiveOp*>(base);
  op.unasked_ = false;
  if (std::exchange(op.left_to_round_, false)) {
    op.round_.add_read(op);
  } else {
    op.tell();
  }
}

// Copies: the callee may begin the next read with the same operation.
void ReceiveOp::tell() {
  const error_code error = ec_;
  const std::size_t bytes = bytes_transferred_;
  place.result = 0;
  done_(owner_, error, bytes);
}

IoRound::Call ReceiveOp::call() {
  if (!socket_->is_open()) {
    return {-1, nullptr, 0};
  }
  const asio::mutable_buffer to = space_->take();
  size_ = to.size();
  return {socket_->native_handle(), static_cast<char*>(to.data()), size_};
}

void ReceiveOp::performed(int result, bool more) {
  announced_ = false;
  ask_ = result != -EAGAIN && result != -ECANCELED;  // an end or an error is there to stay
  if (result > 0) {
    bytes_transferred_ = static_cast<std::size_t>(result);
    // A full buffer says nothing where the kernel does not (TCP of several paths, say).
    emptied_ = !more && socket_->tells_rest() && bytes_transferred_ < size_;
    ask_ = !emptied_;
  } else if (result == 0) {
    ec_ = asio::error::eof;
  } else if (result == -EAGAIN || result == -ECANCELED) {
    if (result == -EAGAIN) {
      space_->give_back();
    }
    ec_ = asio::error::operation_aborted;  // whoever still wants it begins again
  } else {
    ec_ = error_code{-result, boost::system::system_category()};
  }
  tell();
}

StreamSocket::StreamSocket(asio::io_context& io)
    : Socket(io), reactor_(asio::use_service<asio::detail::reactor>(io)) {}

void StreamSocket::adopt(const asio::generic::stream_protocol& protocol, int fd,
                         error_code& error) {
  assign(protocol, fd, error);
  if (!error) {
    // Or the reactor would be told to forget it, one more system call for each connection.
    namespace ops = asio::detail::socket_ops;
    ops::state_type& state = impl_.get_implementation().state_;
    state = static_cast<ops::state_type>(state & ~ops::possible_dup);
  }
}

void StreamSocket::receive(ReceiveOp& op, ReadSpace& space, ReceiveOp::Done done, void* owner) {
  auto& socket = impl_.get_implementation();
  op.unasked_ = std::exchange(op.emptied_, false);
  op.ec_ = error_code{};
  op.bytes_transferred_ = 0;
  op.socket_ = this;
  op.space_ = &space;
  op.done_ = done;
  op.owner_ = owner;
  if (std::exchange(op.ask_, false) && ReceiveOp::perform(&op) != ReceiveOp::not_done) {
    op.ask_ = !op.left_to_round_ && !op.emptied_;  // Asio has not been told that more is left
    reactor_.post_immediate_completion(&op, true);
    return;
  }
  reactor_.start_op(asio::detail::reactor::read_op, socket.socket_, socket.reactor_data_, &op, true,
                    true);
}

bool StreamSocket::tells_rest() {
  return impl_.get_implementation().protocol_.family() != AF_UNIX;
}

bool StreamSocket::missed(ReceiveOp& op) {
  if (!std::exchange(op.unasked_, false)) {
    return false;
  }
  // Not by recv(), which would take a reset off the socket and leave an end that looks orderly.
  pollfd entry{native_handle(), POLLIN, 0};
  op.ask_ = ::poll(&entry, 1, 0) > 0;
  return op.ask_;
}

void tune_tcp(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_INQ, &on, sizeof on);
}

}  // namespace keepsake
