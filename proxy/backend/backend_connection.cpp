#include "backend/backend_connection.hpp"

#include <algorithm>

#include "backend/authenticated_connections.hpp"
#include "backend/server_pool.hpp"

namespace keepsake {

BackendConnection::BackendConnection(ServerPool& pool, asio::io_context& io, StreamList& streams,
                                     BufferPool& buffers)
    : stream(io, streams), in(buffers), pool_(&pool), buffers_(&buffers) {}

// A request that arrives as the server closes is lost: the connection is left alone a while before
// the time that the server named, since our clock ticks in sweeps and the request has a way to go.
void BackendConnection::obey(const KeepAlive& said) {
  constexpr Millis kMargin{1000};
  if (said.timeout != KeepAlive::kUnsaid) {
    const Millis named = std::chrono::seconds{said.timeout};
    most_idle = named - std::min(kMargin, named / 2);
  }
  if (said.max != KeepAlive::kUnsaid) {
    requests_left = said.max;
  }
}

void BackendConnection::begin_to_idle(SteadyTime now) {
  in.release();
  idle_ = true;
  idle_since = now;
}

void BackendConnection::ready_buffer() {
  if (!in) {
    in = Buffer{*buffers_};
  }
}

asio::mutable_buffer BackendConnection::take() {
  ready_buffer();
  return stream.landing(in.space(), in.space_size());
}

void BackendConnection::give_back() {
  if (idle_) {
    in.release();
  }
}

void BackendConnection::begin_read() {
  reading_ = true;
  stream.receive(
      *this,
      [](void* self, const error_code& error, std::size_t bytes) {
        static_cast<BackendConnection*>(self)->on_read(error, bytes);
      },
      this);
}

void BackendConnection::on_read(const error_code& error, std::size_t bytes) {
  reading_ = false;
  if (doomed_) {
    delete this;
    return;
  }
  if (error == asio::error::operation_aborted && !stream.interrupted() && stream.is_open() &&
      !stream.read_timed_out()) {
    begin_read();  // cancelled for a write that took too long, or to ask again
    return;
  }
  if (!error) {
    if (stream.landed(bytes, in.space(), in.space_size(), result_)) {
      in.commit(result_.bytes);
    } else {
      give_back();
      if (!stream.interrupted()) {
        begin_read();  // of TLS alone: a session ticket, a part of a record
        return;
      }
      result_ = {IoStatus::Interrupted, 0};  // after the bytes had been read: nobody says it again
    }
  } else if (error == asio::error::eof) {
    result_ = {stream.end_status(), 0};
  } else if (error != asio::error::operation_aborted) {
    result_ = {IoStatus::Failed, 0};
  } else {
    result_ = {stream.read_timed_out() ? IoStatus::TimedOut : IoStatus::Interrupted, 0};
  }
  has_result_ = true;
  if (idle_) {
    owner_ != nullptr ? pool_->discard_owned(this) : pool_->discard_idle(this);
  } else if (waiter_) {
    stream.set_read_deadline(SteadyTime::max());
    std::exchange(waiter_, {}).resume();
  }
}

void BackendConnection::destroy(BackendConnection* connection) {
  if (!connection->reading_) {
    delete connection;
    return;
  }
  connection->doomed_ = true;
  connection->stream.close();
}

bool BackendConnection::MoreAwaiter::await_ready() {
  if (self.has_result_) {
    return true;
  }
  if (self.stream.interrupted()) {
    self.result_ = {IoStatus::Interrupted, 0};
    self.has_result_ = true;
    return true;
  }
  if (!self.reading_ && self.stream.has_buffered() &&
      self.stream.take_buffered(self.in.space(), self.in.space_size(), self.result_)) {
    self.in.commit(self.result_.bytes);
    self.has_result_ = true;
    return true;
  }
  return false;
}

void BackendConnection::MoreAwaiter::await_suspend(std::coroutine_handle<> waiter) {
  self.waiter_ = waiter;
  self.stream.set_read_deadline(deadline);
  if (!self.reading_) {
    self.begin_read();
  }
}

IoResult BackendConnection::MoreAwaiter::await_resume() {
  self.has_result_ = false;
  return self.result_;
}

}  // namespace keepsake
