#pragma once
// One HTTP/2 connection to a server, which many exchanges share: bytes between its socket and
// BackendSession. One coroutine reads, another writes what has gathered; each stream has the
// exchange that waits for it. It owns itself until both have ended and the last stream was given
// back. On its worker's thread.

#include <cstddef>
#include <memory>
#include <string>

#include "backend/backend_stream.hpp"
#include "backend/server_pool.hpp"
#include "base/buffer.hpp"
#include "http2/backend_session.hpp"
#include "io/op_slot.hpp"
#include "io/task.hpp"

namespace keepsake {

class SharedConnections;

class SharedConnection final : private ReadSpace {
 public:
  // `wire` is connected and, with https://, secured. SETTINGS must have come at `ready_by`.
  SharedConnection(SharedConnections& owner, const PoolContext& context, Lease wire,
                   SteadyTime ready_by);
  ~SharedConnection();
  SharedConnection(const SharedConnection&) = delete;
  SharedConnection& operator=(const SharedConnection&) = delete;

  // Serves it until it ends.
  static Task<void> serve(std::unique_ptr<SharedConnection> self);

  BackendSession& session() { return session_; }
  BackendConnection& wire() { return *wire_; }
  // How many more exchanges it has a place for.
  std::size_t room() const;
  bool may_open() const { return session_.room() != 0; }
  // Its SETTINGS have come.
  bool ready() const { return session_.ready(); }
  // Why it is over; empty when it ended in order.
  std::string_view reason() const { return session_.reason(); }
  bool failed() const { return session_.over() == BackendSession::Over::Failed; }
  // Nothing goes on.
  bool idle() const { return count_ == 0; }
  bool retired() const { return retired_ || session_.closing(); }
  // An answer has come on it.
  bool has_served() const { return has_served_; }

  // A place for one, until it is released.
  void seat(BackendStream& stream);
  void release(BackendStream& stream);
  bool open(BackendStream& stream, Millis stall, std::string& head, std::string_view piece,
            bool last);
  bool send(BackendStream& stream, Millis stall, std::string_view piece, bool last);
  void credit(BackendStream& stream);
  int unsent() { return wire_->stream.unsent(); }

  // The streams learn their news and the gathered output is written once every other handler that
  // is ready has run.
  void work_soon();
  // The same; and every stream is asked whether it has something to tell.
  void tell_all_soon();

  // Takes no more streams, and ends with the last.
  void retire();
  // Its pool is gone, and so are all its streams.
  void abandon();
  // From the worker's sweep; resumes nothing.
  void sweep(SteadyTime now, Millis most_idle);

 private:
  asio::mutable_buffer take() override;
  void give_back() override;

  Task<void> run();
  Task<void> read_all();
  Task<void> write_gathered();
  void work();
  void tell_news();
  void tell_all();
  void recycle_ended();
  bool is_over() const { return broken_ || session_.over() != BackendSession::Over::No; }
  void break_off(std::string_view why);
  void look_at_idle(SteadyTime now, Millis most_idle);

  SharedConnections* owner_;
  const PoolContext context_;
  struct Closer {
    void operator()(BackendConnection* wire) const;
  };
  std::unique_ptr<BackendConnection, Closer> wire_;
  BackendSession session_;
  Buffer input_;
  std::string output_;
  OpSlot post_slot_;
  BackendStream* streams_ = nullptr;
  BackendStream* ended_ = nullptr;  // to be reused when no caller of theirs is on the stack
  std::size_t count_ = 0;
  std::size_t seats_ = 0;  // of them not opened yet
  Millis stall_{30'000};   // how long the socket may accept nothing
  SteadyTime ready_by_;
  SteadyTime idle_since_;
  SteadyTime pong_due_ = SteadyTime::max();
  unsigned pings_ = 0;  // since it idles
  Wakeup writable_;     // the reader waits until output was written
  Wakeup quiet_;        // the end waits for the last stream and the writer
  bool posted_ = false;
  bool writing_ = false;
  bool broken_ = false;  // the socket takes nothing more
  bool retired_ = false;
  bool tell_all_ = false;
  bool has_served_ = false;
  bool said_ready_ = false;
  bool rests_ = false;
  std::uint64_t releases_ = 0;
};

}  // namespace keepsake
