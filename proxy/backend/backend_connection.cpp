#include "backend/backend_connection.hpp"

#include <algorithm>

#include "backend/authenticated_connections.hpp"
#include "backend/backend_stream.hpp"
#include "backend/server_pool.hpp"
#include "backend/shared_connection.hpp"
#include "http/chunked.hpp"

namespace keepsake {

BackendConnection::BackendConnection(ServerPool& pool, asio::io_context& io, StreamList& streams,
                                     BufferPool& buffers)
    : stream(io, streams), in(buffers), pool_(&pool), buffers_(&buffers) {}

void BackendConnection::belong_to(AuthenticatedConnections* owner) {
  owner_ = owner;
  serves_on_ = owner != nullptr;
  if (http2 != nullptr && http2->connection != nullptr) {
    http2->connection->retire();
  }
}

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
  if (self.http2 != nullptr) [[unlikely]] {
    return self.http2->begin_read();
  }
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
  if (self.http2 != nullptr) [[unlikely]] {
    self.http2->await_news(waiter, deadline);
    return;
  }
  self.waiter_ = waiter;
  self.stream.set_read_deadline(deadline);
  if (!self.reading_) {
    self.begin_read();
  }
}

IoResult BackendConnection::MoreAwaiter::await_resume() {
  if (self.http2 != nullptr) [[unlikely]] {
    return self.http2->read_result;
  }
  self.has_result_ = false;
  return self.result_;
}

namespace {

// A piece of at most this much is copied behind its chunk line, so that one write takes both.
constexpr std::size_t kCopiedPiece = 16 * 1024;

Task<IoStatus> write_chunk(Stream& to, Millis stall, std::string_view data, bool last,
                           std::string& out) {
  out.clear();
  if (!data.empty()) {
    append_chunk_line(data.size(), out);
    if (data.size() > kCopiedPiece) {
      const std::string_view end = last ? kEndAndLastChunk : kChunkEnd;
      co_return co_await to.write(stall, out, data, end);
    }
    out.append(data).append(kChunkEnd);
  }
  if (last) {
    out.append(kLastChunk);
  }
  co_return co_await to.write(stall, out);
}

Task<IoStatus> write_plain(Stream& to, Millis stall, std::string_view data) {
  co_return co_await to.write(stall, data);
}

Task<IoStatus> write_framed(BackendStream& to, Millis stall, std::string_view data, bool last) {
  co_return co_await BackendWrite{to, stall, data, last};
}

}  // namespace

Task<IoStatus> BackendConnection::write_piece(Millis stall, std::string_view data, bool last,
                                              bool chunked, std::string& scratch) {
  if (http2 != nullptr) {
    return write_framed(*http2, stall, data, last);
  }
  return chunked ? write_chunk(stream, stall, data, last, scratch)
                 : write_plain(stream, stall, data);
}

void BackendConnection::set_read_deadline(SteadyTime deadline) {
  if (http2 != nullptr) {
    http2->set_read_deadline(deadline);
  } else {
    stream.set_read_deadline(deadline);
  }
}

bool BackendConnection::expect_tunnel(std::string_view key) {
  return http2 == nullptr || http2->expect_tunnel(key);
}

void BackendConnection::end_writing() {
  if (http2 != nullptr) {
    http2->give(Millis{0}, {}, true);
  } else {
    stream.shutdown_write();
  }
}

int BackendConnection::unsent() {
  return http2 != nullptr ? http2->unsent() : stream.unsent();
}

void BackendConnection::interrupt() {
  stream.interrupt();
  if (http2 != nullptr) {
    http2->tell_soon();
  }
}

Fault BackendConnection::fault() const {
  return http2 != nullptr ? http2->fault : Fault::None;
}

std::string_view BackendConnection::why() const {
  return http2 != nullptr ? http2->why : "";
}

bool BackendConnection::refused() const {
  return http2 != nullptr && http2->refused;
}

bool BackendConnection::has_all() const {
  return http2 != nullptr && http2->ended && http2->buffered() == in.size();
}

std::string_view BackendConnection::trailers() const {
  return http2 != nullptr ? std::string_view{http2->trailers} : std::string_view{};
}

void BackendWrite::open(Millis stall, std::string& head, std::string_view body, bool last) {
  stall_ = stall;
  status_ = http2_->open(stall, head, body, last);
}

BackendWrite::BackendWrite(BackendStream& to, Millis stall, std::string_view piece, bool last)
    : stall_(stall), http2_(&to) {
  status_ = to.give(stall, piece, last);
}

bool BackendWrite::is_settled() {
  return http2_->is_written();
}

void BackendWrite::wait(std::coroutine_handle<> waiter) {
  http2_->await_room(waiter, stall_);
}

IoStatus BackendWrite::result() {
  return status_ != IoStatus::Ok ? status_ : http2_->write_result;
}

}  // namespace keepsake
