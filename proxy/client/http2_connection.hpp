#pragma once
// One HTTP/2 connection: bytes between its socket and Http2Session, streams that become exchanges,
// drain and deadlines. One coroutine reads, another writes what has gathered; each stream's
// exchange has its own. Lives in the frame of serve_http2.

#include <cstdint>
#include <string>

#include "client/connection.hpp"
#include "client/http2_stream.hpp"
#include "http2/session.hpp"
#include "io/op_slot.hpp"
#include "io/task.hpp"

namespace keepsake {

class Http2Connection final : private Http2StreamOwner, private ReadSpace {
 public:
  explicit Http2Connection(Connection& connection);
  ~Http2Connection();
  Http2Connection(const Http2Connection&) = delete;
  Http2Connection& operator=(const Http2Connection&) = delete;

  // Serves the connection until it ends; `first` has come already, the preface or a part of it.
  Task<void> run(std::string_view first);

  Http2Session& session() { return session_; }
  // There is, or may be, something to write: it goes out with all that gathers until everything
  // else that is ready has had its turn.
  void write_soon();

  // The worker drains: no more streams, and tunnels are told to close.
  void drain();

  // From the worker's sweep. Resumes nothing: what is late is told by the job of write_soon().
  void sweep(SteadyTime now);

 private:
  Http2StreamState* open(std::uint32_t id) override;
  asio::mutable_buffer take() override;
  void give_back() override;

  // Its owner's half of the list of streams.
  Http2Stream* make_stream();
  bool has_place() const;
  void take_view();
  void link(Http2Stream& stream);

  void begin_exchange(Http2Stream& stream);
  Task<void> serve_stream(Http2Stream& stream);
  Task<void> read_all(std::string_view first);
  Task<void> write_gathered();
  Task<void> end_all();
  void feed(std::string_view bytes);
  void tell_streams();
  void tell_late();
  void free_ended();
  void look_at_streams(SteadyTime now);
  void look_at_connection(SteadyTime now);
  void begin_drain();
  void rest_when_idle();
  void wake_from_rest();
  void log_end();
  void unlink(Http2Stream& stream);
  std::size_t lost() const;
  bool is_over() const;

  Connection& connection_;
  Connections& worker_;
  std::shared_ptr<const Peer> peer_;  // as the newest configuration judges it
  Http2Session session_;
  Buffer input_;
  std::string output_;
  OpSlot post_slot_;
  Http2Stream* streams_ = nullptr;
  Http2Stream* ended_ = nullptr;  // to be freed when no caller of theirs is on the stack
  std::size_t count_ = 0;
  std::uint64_t number_ = 0;                       // of exchanges
  SteadyTime block_deadline_ = SteadyTime::max();  // of the header block that is arriving
  SteadyTime settings_deadline_;                   // of their acknowledgement
  SteadyTime idle_deadline_;                       // max while there are streams
  SteadyTime drain_ends_ = SteadyTime::max();
  Wakeup writable_;   // the reader waits until output was written
  Wakeup all_ended_;  // the end waits for the last exchange and the writer
  bool posted_ = false;
  bool writing_ = false;
  bool broken_ = false;  // the socket takes nothing more
  bool draining_ = false;
  bool late_ = false;  // a stream is
  std::uint8_t idle_sweeps_ = 0;
};

// Serves a connection whose client speaks HTTP/2.
Task<void> serve_http2(Connection& connection);

}  // namespace keepsake
