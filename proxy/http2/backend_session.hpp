#pragma once
// One HTTP/2 connection to a backend without its socket (RFC 9113): requests in, bytes for the
// backend out; bytes of the backend in, news of the streams out. The client's role, beside
// Http2Session, which is the server's. Pure: no sockets, no clock (times are arguments), nothing is
// resumed from inside a call. Not shared between threads.
//
//   session.feed(bytes);                                    // one read
//   while (BackendStreamState* s = session.take_news()) { wake whoever waits for s }
//   while (session.take_output(out)) { co_await stream.write(out); }
//   if (session.over() != BackendSession::Over::No) { close }
//
// Memory: nghttp2's 26 KiB, at most 2 x 4 KiB of HPACK's tables, output of at most 64 KiB, a frame
// and the heads of its streams; of each response at most a window. Streams are the owner's.
//
// Errors are values: a stream's in its state, the connection's in over() and reason(). Nothing
// throws but the constructor (std::bad_alloc).

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "http2/backend_counts.hpp"
#include "http2/backend_stream_state.hpp"
#include "http2/cancel_budget.hpp"
#include "http2/error_code.hpp"
#include "http2/memory.hpp"
#include "http2/request_fields.hpp"
#include "http2/response_text.hpp"

struct nghttp2_session;

namespace keepsake {

class BackendSession {
 public:
  // Bytes of a response that may come before credit is returned. That of the connection is without
  // a bound: a response that its client does not take never holds up the others.
  static constexpr std::uint32_t kStreamWindow = 65'536;
  // Output that waits for the socket, before one more frame of at most 16 KiB.
  static constexpr std::size_t kMostOutput = 64 * 1024;

  // `memory` and `counts` outlive the session; so do all streams, from open() to release(). The
  // preface and SETTINGS are in the output at once. `header_list`: the largest head of a response.
  BackendSession(Http2Memory& memory, Http2BackendCounts& counts, std::size_t header_list,
                 SteadyTime now);
  ~BackendSession();
  BackendSession(const BackendSession&) = delete;
  BackendSession& operator=(const BackendSession&) = delete;

  // --- the connection

  enum class Over : std::uint8_t {
    No,
    Ended,   // both sides are done, or end() or lose() was called
    Failed,  // the backend broke the protocol: write the output, then close
  };

  // Bytes from the backend. Does nothing once over().
  void feed(std::string_view bytes);
  // Whether to read more: false while too many answers to the backend's own frames wait to be
  // written, and once over().
  bool wants_input() const;
  Over over() const { return over_; }
  std::string_view reason() const { return reason_; }  // for the log

  // The backend's SETTINGS have come: it speaks HTTP/2, and how many streams it takes is known.
  bool ready() const { return ready_; }
  // No further streams are taken: GOAWAY came, or the numbers of streams are used up, or it is
  // over. Those that are open may go on.
  bool closing() const { return closing_ || over_ != Over::No; }
  // Whether the backend takes WebSockets (RFC 8441), as its SETTINGS say.
  bool takes_tunnels() const;
  // How many streams may be opened now.
  std::size_t room() const;
  // Those of owners, and those that were given up and are not gone yet.
  std::size_t open_streams() const { return open_; }

  // Asks whether the backend is still there, and whether it has not answered yet.
  void ping();
  bool awaits_ping() const { return awaits_ping_; }

  // GOAWAY, then over().
  void end();
  // The connection is gone: every stream is closed.
  void lose(std::string_view reason);

  // --- streams

  // A request: its head as text of HTTP/1.1 and the first piece of its body, as with send().
  // `https`: what :scheme says. False: there is no room() any more, or the text is no head.
  bool open(BackendStreamState& stream, std::string& head, bool https, std::string_view piece,
            bool last);
  // The next piece, after the one before was sent; empty with `last` ends the body. The piece stays
  // where it is until sent(), or until the stream is closed or released. False: the stream is gone
  // or takes no more.
  bool send(BackendStreamState& stream, std::string_view piece, bool last);
  // Whether all that was given is in the output.
  bool sent(const BackendStreamState& stream) const;
  // Returns credit for what of the response has been consumed.
  void credit(BackendStreamState& stream);
  // The owner is done with it. A stream that is not complete is cancelled, as soon as the budget of
  // cancels allows; until then it counts as open, and nothing more of it is taken.
  void release(BackendStreamState& stream, SteadyTime now);
  // Cancels what had to wait. To be called now and then.
  void cancel_waiting(SteadyTime now);

  // The next stream with news; it leaves the list. Null when there is none.
  BackendStreamState* take_news();

  // --- output

  // Whether take_output() would bring something.
  bool has_output() const;
  // Swaps `out`, which was written, for what is to be written next. False: nothing.
  bool take_output(std::string& out);

  // Nothing is going on: gives back what an idle connection does not need. No-op with output.
  void rest();

 private:
  friend struct BackendCallbacks;

  void pump();
  void fail(Http2Code code, std::string_view reason);
  void close_streams();
  void attach(BackendStreamState& stream);
  void detach(BackendStreamState& stream);
  void note(BackendStreamState& stream);
  void unlist(BackendStreamState& stream);
  void stream_closed(std::uint32_t id, BackendStreamState* stream, std::uint32_t code);
  void head_complete(BackendStreamState& stream);
  void body_came(BackendStreamState& stream, std::string_view data);
  void pump_for(BackendStreamState& stream);
  void note_sent(BackendStreamState& stream);
  void spoil(BackendStreamState& stream, Fault fault, const char* why);
  void submit_reset(std::uint32_t id, Http2Code code);

  Http2BackendCounts& counts_;
  SessionMemory memory_;
  nghttp2_session* session_ = nullptr;
  RequestFields fields_;
  ResponseText text_;  // of the header block that is being read
  BackendStreamState* reading_ = nullptr;
  std::size_t block_bytes_ = 0;  // decoded bytes of that block
  std::size_t most_block_bytes_;
  CancelBudget cancels_;
  std::vector<std::uint32_t> waiting_;  // streams without an owner that are still to be cancelled

  BackendStreamState* streams_ = nullptr;
  BackendStreamState* first_news_ = nullptr;
  BackendStreamState** last_news_ = &first_news_;
  BackendStreamState* caller_ = nullptr;  // whose open() or send() runs: it needs no news of it
  std::size_t open_ = 0;

  std::string out_;
  Over over_ = Over::No;
  std::string reason_;
  bool ready_ = false;
  bool closing_ = false;
  bool awaits_ping_ = false;
};

}  // namespace keepsake
