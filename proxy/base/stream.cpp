#include "base/stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace keepsake {

void StreamList::sweep(SteadyTime now, Millis tick) {
  now_ = now;
  tick_ = tick;
  for (Stream* stream = first_; stream != nullptr; stream = stream->next_) {
    if (stream->read_deadline_ <= now || stream->write_deadline_ <= now) {
      stream->expire(now);
    }
  }
}

Stream::Stream(asio::io_context& io, StreamList& list) : socket_(io), list_(list) {
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
  socket_.assign(asio::generic::stream_protocol{family, family == AF_UNIX ? 0 : IPPROTO_TCP}, fd,
                 error);
  if (!error && family != AF_UNIX) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
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

// Cancels both directions; the one that was not meant begins again by itself.
void Stream::expire(SteadyTime now) {
  read_timed_out_ = read_deadline_ <= now;
  write_timed_out_ = write_deadline_ <= now;
  error_code ignored;
  socket_.cancel(ignored);
}

void Stream::shutdown_write() {
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::close() {
  error_code ignored;
  socket_.close(ignored);
}

void Stream::close_with_reset() {
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

bool Stream::ReadAwaiter::await_ready() {
  if (stream.interrupted_) {
    result.status = IoStatus::Interrupted;
  }
  return stream.interrupted_;
}

void Stream::ReadAwaiter::await_suspend(std::coroutine_handle<> handle) {
  waiter = handle;
  stream.read_deadline_ = deadline;
  stream.read_timed_out_ = false;
  stream.nudged_ = false;
  begin();
}

void Stream::ReadAwaiter::begin() {
  stream.socket_.async_read_some(
      asio::buffer(data, size),
      in_slot(stream.read_slot_, [this](const error_code& error, std::size_t bytes) {
        if (!error) {
          result = {IoStatus::Ok, bytes};
        } else if (error == asio::error::eof) {
          result = {IoStatus::End, 0};
        } else if (error != asio::error::operation_aborted) {
          result = {IoStatus::Failed, 0};
        } else if (stream.read_timed_out_) {
          result = {IoStatus::TimedOut, 0};
        } else if (stream.interrupted_ || stream.nudged_ || !stream.is_open()) {
          result = {IoStatus::Interrupted, 0};
        } else {
          begin();  // the writer's deadline cancelled us too
          return;
        }
        stream.read_deadline_ = SteadyTime::max();
        waiter.resume();
      }));
}

bool Stream::ReadableAwaiter::await_ready() {
  if (stream.interrupted_) {
    status = IoStatus::Interrupted;
  }
  return stream.interrupted_;
}

void Stream::ReadableAwaiter::await_suspend(std::coroutine_handle<> handle) {
  waiter = handle;
  stream.read_deadline_ = deadline;
  stream.read_timed_out_ = false;
  stream.nudged_ = false;
  begin();
}

void Stream::ReadableAwaiter::begin() {
  stream.socket_.async_wait(
      Socket::wait_read, in_slot(stream.read_slot_, [this](const error_code& error) {
        if (!error) {
          status = IoStatus::Ok;
        } else if (error != asio::error::operation_aborted) {
          status = IoStatus::Failed;
        } else if (stream.read_timed_out_) {
          status = IoStatus::TimedOut;
        } else if (stream.interrupted_ || stream.nudged_ || !stream.is_open()) {
          status = IoStatus::Interrupted;
        } else {
          begin();
          return;
        }
        stream.read_deadline_ = SteadyTime::max();
        waiter.resume();
      }));
}

bool Stream::WriteAwaiter::await_ready() {
  if (stream.interrupted_) {
    status = IoStatus::Interrupted;
    return true;
  }
  return advance();
}

bool Stream::WriteAwaiter::advance() {
  while (!first.empty() || !second.empty()) {
    ssize_t n = 0;
    if (second.empty()) {
      n = ::send(stream.fd(), first.data(), first.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
      iovec parts[2] = {{const_cast<char*>(first.data()), first.size()},
                        {const_cast<char*>(second.data()), second.size()}};
      msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = 2;
      n = ::sendmsg(stream.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return false;
      }
      status = IoStatus::Failed;
      return true;
    }
    auto sent = static_cast<std::size_t>(n);
    const std::size_t of_first = sent < first.size() ? sent : first.size();
    first.remove_prefix(of_first);
    second.remove_prefix(sent - of_first);
    if (first.empty()) {
      first = second;
      second = {};
    }
  }
  return true;
}

void Stream::WriteAwaiter::await_suspend(std::coroutine_handle<> handle) {
  waiter = handle;
  stream.write_deadline_ = stream.in(stall);
  stream.write_timed_out_ = false;
  begin();
}

void Stream::WriteAwaiter::begin() {
  stream.socket_.async_wait(Socket::wait_write,
                            in_slot(stream.write_slot_, [this](const error_code& error) {
                              const std::size_t before = first.size() + second.size();
                              if (!error) {
                                if (!advance()) {
                                  if (first.size() + second.size() < before) {
                                    stream.write_deadline_ = stream.in(stall);
                                  }
                                  begin();
                                  return;
                                }
                              } else if (error != asio::error::operation_aborted) {
                                status = IoStatus::Failed;
                              } else if (stream.write_timed_out_) {
                                status = IoStatus::TimedOut;
                              } else if (stream.interrupted_ || !stream.is_open()) {
                                status = IoStatus::Interrupted;
                              } else {
                                begin();
                                return;
                              }
                              stream.write_deadline_ = SteadyTime::max();
                              waiter.resume();
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
  stream.write_timed_out_ = false;
  stream.socket_.async_connect(endpoint, [this, waiter](const error_code& result) {
    error = result == asio::error::operation_aborted && stream.write_timed_out_
                ? error_code{asio::error::timed_out}
                : result;
    stream.write_deadline_ = SteadyTime::max();
    waiter.resume();
  });
}

}  // namespace keepsake
