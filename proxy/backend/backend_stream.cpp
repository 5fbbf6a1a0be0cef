#include "backend/backend_stream.hpp"

#include <utility>

#include "backend/shared_connection.hpp"
#include "backend/shared_connections.hpp"
#include "backend/websocket_accept.hpp"

namespace keepsake {

BackendStream::BackendStream(SharedConnections& from, ServerPool& pool, asio::io_context& io,
                             StreamList& streams, BufferPool& buffers)
    : side(pool, io, streams, buffers), home(from) {
  side.http2 = this;
  in = &side.in;
  blocks = &buffers;
}

// --- The request

IoStatus BackendStream::open(Millis stall, std::string& head, std::string_view body, bool last) {
  if (side.interrupted() || connection == nullptr || !connection->may_open()) {
    return IoStatus::Interrupted;
  }
  return connection->open(*this, stall, head, body, last) ? IoStatus::Ok : IoStatus::Failed;
}

bool BackendStream::expect_tunnel(std::string_view key) {
  if (connection == nullptr || !connection->session().takes_tunnels()) {
    return false;
  }
  tunnel = true;
  accept = websocket_accept(key);
  return true;
}

IoStatus BackendStream::give(Millis stall, std::string_view piece, bool last) {
  if (side.interrupted()) {
    return IoStatus::Interrupted;
  }
  if (piece.empty() && !last) {
    return IoStatus::Ok;
  }
  return connection->send(*this, stall, piece, last) ? IoStatus::Ok : IoStatus::Failed;
}

bool BackendStream::is_written() {
  if (side.interrupted()) {
    write_result = IoStatus::Interrupted;
  } else if (connection->session().sent(*this)) {
    write_result = IoStatus::Ok;
  } else if (closed) {
    write_result = IoStatus::Failed;
  } else if (write_late_) {
    write_result = IoStatus::TimedOut;
  } else {
    return false;
  }
  return true;
}

void BackendStream::await_room(std::coroutine_handle<> waiter, Millis stall) {
  writer_ = waiter;
  stall_ = stall;
  write_late_ = false;
  await_progress();
}

void BackendStream::await_progress() {
  taken_before_ = taken;
  write_deadline_ = side.stream.in(stall_);
}

int BackendStream::unsent() {
  return connection != nullptr ? connection->unsent() : 0;
}

// --- The response

// A fault comes first: nothing that broke a rule is taken for the beginning of something good.
bool BackendStream::look() {
  if (side.interrupted()) {
    read_result = {IoStatus::Interrupted, 0};
    return true;
  }
  if (fault != Fault::None) {
    read_result = {IoStatus::Failed, 0};
    return true;
  }
  refill();
  if (in->size() > had_) {
    read_result = {IoStatus::Ok, in->size() - had_};
  } else if (ended) {
    read_result = {IoStatus::End, 0};
  } else if (closed || connection == nullptr) {
    read_result = {IoStatus::Failed, 0};
  } else if (std::exchange(read_late_, false)) {
    read_result = {IoStatus::TimedOut, 0};
  } else {
    return false;
  }
  return true;
}

// The bytes of the last read are consumed, or wait for more: the server gets credit for them.
bool BackendStream::begin_read() {
  had_ = in->size();
  read_late_ = false;
  if (connection != nullptr) {
    connection->credit(*this);
  }
  return look();
}

void BackendStream::await_news(std::coroutine_handle<> waiter, SteadyTime deadline) {
  reader_ = waiter;
  set_read_deadline(deadline);
}

void BackendStream::set_read_deadline(SteadyTime deadline) {
  read_deadline_ = deadline;
  read_late_ = false;
}

// --- What happens

void BackendStream::tell_soon() {
  if (connection != nullptr) {
    connection->tell_all_soon();
  } else {
    home.look_soon();
  }
}

// The writer first: when the reader has been told, the exchange may be over.
void BackendStream::tell() {
  if (writer_ && is_written()) {
    write_deadline_ = SteadyTime::max();
    std::exchange(writer_, {}).resume();
  }
  if (reader_ && look()) {
    read_deadline_ = SteadyTime::max();
    std::exchange(reader_, {}).resume();
  }
}

bool BackendStream::is_late(SteadyTime now) {
  bool late = false;
  if (reader_ && read_deadline_ <= now) {
    read_deadline_ = SteadyTime::max();
    late = read_late_ = true;
  }
  if (writer_ && write_deadline_ <= now) {
    if (taken != taken_before_) {
      await_progress();
    } else {
      write_deadline_ = SteadyTime::max();
      late = write_late_ = true;
    }
  }
  return late || side.interrupted();
}

void BackendStream::clear() {
  connection = nullptr;
  opened = false;
  reader_ = writer_ = turn = {};
  read_deadline_ = write_deadline_ = turn_deadline = SteadyTime::max();
  read_late_ = write_late_ = false;
  had_ = 0;
  fault = Fault::None;
  answered = ended = closed = refused = false;
  trailers.clear();
  tunnel = false;
  accept.clear();
  side.reused = false;
}

}  // namespace keepsake
