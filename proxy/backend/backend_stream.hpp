#pragma once
// One stream of an HTTP/2 connection to a backend: what one exchange has of it, seen through
// BackendConnection. It waits first for a connection with room (SharedConnections), then for what
// comes on it. Used for one exchange after the other; on its worker's thread.

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "backend/backend_connection.hpp"
#include "base/clock.hpp"
#include "http2/backend_stream_state.hpp"

namespace keepsake {

class SharedConnection;
class SharedConnections;

struct BackendStream final : BackendStreamState {
  BackendStream(SharedConnections& from, ServerPool& pool, asio::io_context& io,
                StreamList& streams, BufferPool& buffers);

  // For BackendConnection. open() and give(): Ok, when it is on its way; Interrupted when nothing
  // was sent and the request may go elsewhere; Failed.
  IoStatus open(Millis stall, std::string& head, std::string_view body, bool last);
  bool expect_tunnel(std::string_view key);
  IoStatus give(Millis stall, std::string_view piece, bool last);
  // Whether it is written, or never will be: then write_result says it.
  bool is_written();
  void await_room(std::coroutine_handle<> waiter, Millis stall);
  // Whether there is more than there was before, or never will be: then read_result says it.
  bool begin_read();
  void await_news(std::coroutine_handle<> waiter, SteadyTime deadline);
  void set_read_deadline(SteadyTime deadline);
  int unsent();

  // The waiting reader or writer resumes soon if its wait is over: never from inside this call.
  void tell_soon();
  // Resumes it now.
  void tell();
  // Whether something waits longer than it may; tell() then ends that.
  bool is_late(SteadyTime now);

  BackendConnection side;
  SharedConnections& home;
  SharedConnection* connection = nullptr;  // null: it waits for one
  bool opened = false;                     // the request was given to it
  IoResult read_result{};
  IoStatus write_result = IoStatus::Ok;

  // In the line for a connection.
  std::coroutine_handle<> turn{};
  SteadyTime turn_deadline = SteadyTime::max();

  // The list of its connection, or of those that ended.
  BackendStream* next = nullptr;
  BackendStream** link = nullptr;

 private:
  friend class SharedConnection;
  bool look();
  void await_progress();
  void clear();

  std::coroutine_handle<> reader_{};
  SteadyTime read_deadline_ = SteadyTime::max();
  std::size_t had_ = 0;  // bytes in `in` when the read began
  bool read_late_ = false;

  std::coroutine_handle<> writer_{};
  Millis stall_{0};
  SteadyTime write_deadline_ = SteadyTime::max();
  std::uint64_t taken_before_ = 0;
  bool write_late_ = false;
};

}  // namespace keepsake
