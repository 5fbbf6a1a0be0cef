#include "io/stream.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <utility>

#include "io/tls.hpp"

namespace keepsake {

Stream::Stream(asio::io_context& io, StreamList& list)
    : receive_op_(list.round()), socket_(io), list_(list), interrupted_(list.closed_) {
  next_ = list.first_;
  if (next_ != nullptr) {
    next_->link_ = &next_;
  }
  link_ = &list.first_;
  list.first_ = this;
}

Stream::~Stream() {
  *link_ = next_;
  if (next_ != nullptr) {
    next_->link_ = link_;
  }
}

bool Stream::adopt(int fd, int family) {
  error_code error;
  socket_.adopt(asio::generic::stream_protocol{family, family == AF_UNIX ? 0 : IPPROTO_TCP}, fd,
                error);
  return !error;
}

void Stream::interrupt() {
  interrupted_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

void Stream::nudge_reader() {
  nudged_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

// The kernel announces that a socket can be written again only when a third of its buffer is free,
// which may hold megabytes: a peer that accepts bytes slowly but steadily has progress all the
// time.
void Stream::look_for_progress() {
  if (stall_ == Millis::zero()) {
    return;
  }
  const int before = std::exchange(unsent_, unsent());
  if (unsent_ < before) {
    write_deadline_ = in(stall_);
  }
}

int Stream::unsent() {
  int bytes = 0;
  return ::ioctl(fd(), SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

bool Stream::has_input() {
  pollfd entry{fd(), POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0;
}

bool Stream::is_reset() {
  pollfd entry{fd(), 0, 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

// Cancels both directions; the one that was not meant begins again by itself.
void Stream::expire(SteadyTime now) {
  read_timed_out_ = read_deadline_ <= now;
  write_timed_out_ = write_deadline_ <= now;
  error_code ignored;
  socket_.cancel(ignored);
}

std::optional<IoStatus> Stream::verdict(const error_code& error, bool timed_out,
                                        bool nudged) const {
  if (error != asio::error::operation_aborted) {
    return IoStatus::Failed;
  }
  if (timed_out) {
    return IoStatus::TimedOut;
  }
  if (interrupted_ || nudged || !is_open()) {
    return IoStatus::Interrupted;
  }
  return std::nullopt;
}

void Stream::shutdown_write() {
  if (tls_) {
    tls_->say_end();
  }
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::break_off() {
  tls_.reset();
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::close() {
  if (tls_) {
    tls_->say_end();
    tls_->give_up();  // it knows the descriptor, which may be somebody else's next
  }
  error_code ignored;
  socket_.close(ignored);
}

void Stream::close_with_reset() {
  if (tls_) {
    tls_->give_up();
  }
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

bool Stream::has_news() {
  if (tls_) {
    return tls_has_news();
  }
  char byte = 0;
  const ssize_t n = ::recv(fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void Stream::ReadAwaiter::ask_for_memory() {
  if (given_ != nullptr) {
    memory_ = given_->take();
  }
}

asio::mutable_buffer Stream::ReadAwaiter::take() {
  ask_for_memory();
  return stream_.landing(data(), memory_.size());
}

void Stream::ReadAwaiter::give_back() {
  if (given_ != nullptr) {
    given_->give_back();
  }
}

bool Stream::ReadAwaiter::await_ready() {
  if (stream_.interrupted_) {
    result_.status = IoStatus::Interrupted;
    return true;
  }
  if (!stream_.has_buffered()) {
    return false;
  }
  ask_for_memory();
  if (!stream_.take_buffered(data(), memory_.size(), result_)) {
    give_back();
    return false;
  }
  return true;
}

void Stream::ReadAwaiter::await_suspend(std::coroutine_handle<> handle) {
  waiter_ = handle;
  stream_.read_deadline_ = deadline_;
  stream_.read_timed_out_ = false;
  stream_.nudged_ = false;
  begin();
}

void Stream::ReadAwaiter::begin() {
  stream_.receive(
      *this,
      [](void* self, const error_code& error, std::size_t bytes) {
        static_cast<ReadAwaiter*>(self)->finish(error, bytes);
      },
      this);
}

void Stream::ReadAwaiter::finish(const error_code& error, std::size_t bytes) {
  if (!error) {
    if (!stream_.landed(bytes, data(), memory_.size(), result_)) {
      give_back();
      if (!stream_.interrupted_ && !stream_.nudged_) {
        begin();  // nothing but parts of a record
        return;
      }
      result_ = {IoStatus::Interrupted, 0};
    }
  } else if (error == asio::error::eof) {
    result_ = {stream_.end_status(), 0};
  } else {
    const auto end = stream_.verdict(error, stream_.read_timed_out_, stream_.nudged_);
    if (!end) {
      begin();
      return;
    }
    result_ = {*end, 0};
  }
  stream_.read_deadline_ = SteadyTime::max();
  waiter_.resume();
}

bool Stream::WritableAwaiter::await_ready() {
  if (stream.interrupted_) {
    status = IoStatus::Interrupted;
  }
  return stream.interrupted_;
}

void Stream::WritableAwaiter::await_suspend(std::coroutine_handle<> handle) {
  waiter = handle;
  stream.write_deadline_ = deadline;
  stream.stall_ = Millis::zero();
  stream.write_timed_out_ = false;
  begin();
}

void Stream::WritableAwaiter::begin() {
  stream.socket_.async_wait(
      Socket::wait_write, in_slot(stream.write_slot_, [this](const error_code& error) {
        const auto end =
            error ? stream.verdict(error, stream.write_timed_out_, false) : IoStatus::Ok;
        if (!end) {
          begin();
          return;
        }
        status = *end;
        stream.write_deadline_ = SteadyTime::max();
        waiter.resume();
      }));
}

// What must not, or need not, be written any more.
bool Stream::WriteAwaiter::called_off() {
  if (stream_.interrupted_ || (terms_.unless != nullptr && *terms_.unless)) {
    status_ = IoStatus::Interrupted;
  }
  return status_ != IoStatus::Ok;
}

// Several parts go by a call of their own: the second one is large, mostly.
bool Stream::WriteAwaiter::await_ready() {
  if (called_off()) {
    return true;
  }
  in_round_ = !terms_.at_once && !stream_.tls_ && second_.empty() &&
              !stream_.list_.round().write_goes_alone();
  return !in_round_ && advance();
}

bool Stream::WriteAwaiter::advance() {
  if (stream_.tls_) [[unlikely]] {
    return advance_tls();
  }
  while (!first_.empty()) {
    ssize_t n = 0;
    if (second_.empty()) {
      n = ::send(stream_.fd(), first_.data(), first_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
      iovec parts[3] = {{const_cast<char*>(first_.data()), first_.size()},
                        {const_cast<char*>(second_.data()), second_.size()},
                        {const_cast<char*>(third_.data()), third_.size()}};
      msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = third_.empty() ? 2 : 3;
      n = ::sendmsg(stream_.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return false;
      }
      status_ = IoStatus::Failed;
      return true;
    }
    take(static_cast<std::size_t>(n));
  }
  return true;
}

void Stream::WriteAwaiter::await_suspend(std::coroutine_handle<> handle) {
  waiter_ = handle;
  if (in_round_) {
    stream_.list_.round().add_write(*this);
  } else {
    wait();
  }
}

IoRound::Call Stream::WriteAwaiter::call() {
  if (called_off() || !stream_.is_open()) {
    return {-1, nullptr, 0};
  }
  return {stream_.fd(), const_cast<char*>(first_.data()), first_.size()};
}

void Stream::WriteAwaiter::performed(int result, bool) {
  if (result >= 0) {
    take(static_cast<std::size_t>(result));
  } else if (result == -ECANCELED) {
    status_ = IoStatus::Interrupted;
  } else if (result != -EAGAIN) {
    status_ = IoStatus::Failed;
  }
  if (status_ == IoStatus::Ok && !first_.empty() && stream_.interrupted_) {
    status_ = IoStatus::Interrupted;  // since call(): there was nothing in flight to cancel then
  }
  if (status_ == IoStatus::Ok && !first_.empty()) {
    wait();
  } else {
    waiter_.resume();
  }
}

void Stream::WriteAwaiter::wait() {
  stream_.write_deadline_ = stream_.in(stall_);
  stream_.stall_ = stall_;
  stream_.unsent_ = 0;  // not known yet: the next sweep asks
  stream_.write_timed_out_ = false;
  begin();
}

void Stream::WriteAwaiter::begin() {
  stream_.socket_.async_wait(
      Socket::wait_write, in_slot(stream_.write_slot_, [this](const error_code& error) {
        const std::size_t before = left();
        if (!error) {
          if (!advance()) {
            if (left() < before) {
              stream_.write_deadline_ = stream_.in(stall_);
            }
            begin();
            return;
          }
        } else if (const auto end = stream_.verdict(error, stream_.write_timed_out_, false)) {
          status_ = *end;
        } else {
          begin();
          return;
        }
        stream_.write_deadline_ = SteadyTime::max();
        waiter_.resume();
      }));
}

bool Stream::ConnectAwaiter::await_ready() {
  if (stream.interrupted_) {
    error = asio::error::operation_aborted;
  }
  return stream.interrupted_;
}

void Stream::ConnectAwaiter::await_suspend(std::coroutine_handle<> waiter) {
  stream.write_deadline_ = deadline;
  stream.stall_ = Millis::zero();
  stream.write_timed_out_ = false;
  stream.socket_.async_connect(endpoint, [this, waiter](const error_code& result) {
    error = result == asio::error::operation_aborted && stream.write_timed_out_
                ? error_code{asio::error::timed_out}
                : result;
    stream.write_deadline_ = SteadyTime::max();
    waiter.resume();
  });
}

void Stream::TurnAwaiter::await_suspend(std::coroutine_handle<> waiter) {
  asio::post(stream.socket_.get_executor(),
             in_slot(stream.write_slot_, [waiter] { waiter.resume(); }));
}

}  // namespace keepsake
