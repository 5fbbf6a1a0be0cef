#pragma once
// One HTTP/2 connection without its socket (RFC 9113): bytes of the client in, news of its streams
// out; responses in, bytes for the client out. The wrapper of nghttp2, and with the rest of this
// folder the only code that includes it. Pure: no sockets, no clock (times are arguments), nothing
// is resumed from inside a call. Not shared between threads.
//
// Owned by the server's HTTP/2 connection, whose reader and writer drive it:
//
//   session.feed(bytes, now);                       // one read
//   while (Http2StreamState* s = session.next_news()) { StreamNews n = session.take_news(*s); ... }
//   while (session.take_output(out)) { co_await stream.write(out); }
//   if (session.over() != Http2Session::Over::No) { close as over() says }
//
// Memory of a connection: nghttp2's 26 KiB (at rest 10), at most 2 x 4 KiB of HPACK's tables,
// output of at most 64 KiB, a frame and the heads of its streams; bodies of requests of at most 1
// MiB, or 2 MiB while a lone upload has a large window. Streams themselves are the owner's.
//
// Errors are values: a stream's in its Http2StreamState, the connection's in over(), code() and
// reason(). Nothing throws but the constructor (std::bad_alloc).

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "http2/counts.hpp"
#include "http2/error_code.hpp"
#include "http2/flood.hpp"
#include "http2/frame_walk.hpp"
#include "http2/memory.hpp"
#include "http2/request_text.hpp"
#include "http2/stream_order.hpp"
#include "http2/stream_state.hpp"

struct nghttp2_session;

namespace keepsake {

class ResponseFields;

// The 24 bytes that an HTTP/2 client sends first (RFC 9113 3.4).
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

class Http2Session {
 public:
  struct Settings {
    std::uint32_t streams = 100;          // limits.streams: SETTINGS_MAX_CONCURRENT_STREAMS
    std::size_t header_list = 16 * 1024;  // limits.header: SETTINGS_MAX_HEADER_LIST_SIZE, bytes
    bool websocket = true;                // SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441)
    bool trusted = false;                 // the peer is in trusted_proxies: tenfold budgets
  };

  // Bytes that a stream may send before credit is returned. nghttp2 announces it in frames of up to
  // 16 KiB: with 65 535 a client that fills the window would end with frames of one byte.
  static constexpr std::uint32_t kStreamWindow = 65'536;
  // Bytes of all streams of a connection together.
  static constexpr std::uint32_t kConnectionWindow = 16 * kStreamWindow;
  // What the window of a lone upload grows to: 64 KiB would hold it at 5 Mbit/s over 100 ms.
  static constexpr std::uint32_t kGrownWindow = 1024 * 1024;
  // Output that waits for the socket, before one more frame of at most 16 KiB.
  static constexpr std::size_t kMostOutput = 64 * 1024;

  // What a worker's sessions share; outlives them.
  struct Shared {
    Http2Memory& memory;
    Http2Counts& counts;
    Random& random;
  };

  // `owner` outlives the session; so do all streams that owner.open() hands out, until release().
  // Its own SETTINGS are in the output at once.
  Http2Session(const Shared& shared, Http2StreamOwner& owner, const Settings& settings,
               SteadyTime now);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // --- the connection

  // Whether the peer is in trusted_proxies, from now on.
  void trust(bool trusted);

  enum class Over : std::uint8_t {
    No,
    Ended,   // in order: both sides are done, or end() was called
    Failed,  // the client broke the protocol, or flooded: write the output, linger, close
  };

  // Bytes from the client, the preface included. Does nothing once over().
  void feed(std::string_view bytes, SteadyTime now);
  // Whether to read more: false while what waits to be written is at its bound, and once over().
  bool wants_input() const;

  Over over() const { return over_; }
  Http2Code code() const { return code_; }  // sent with GOAWAY
  std::string_view reason() const {
    return reason_;
  }  // the library's or our own words, for the log
  Flood flood() const { return flood_; }  // what kind, when it was one

  // Announces that no further streams will be taken, without a limit yet (RFC 9113 6.8): requests
  // on their way are still served. At least a second later finish_drain() names the last stream.
  void begin_drain();
  void finish_drain();
  // No stream is open, and none will be: close the connection when the output is written.
  bool drained() const;
  // GOAWAY with `code`, then over(). Streams that are open are closed.
  void end(Http2Code code, std::string_view reason);

  bool settings_acknowledged() const { return settings_acknowledged_; }
  // A header block is unfinished: `timeouts.header` runs.
  bool in_header_block() const { return walk_.in_header_block(); }
  bool peer_goes_away() const { return peer_goes_away_; }  // GOAWAY came; open streams go on
  std::size_t open_streams() const { return open_streams_; }

  // Nothing is going on: gives back what an idle connection does not need. No-op with output.
  void rest();

  // --- streams

  // The next stream with news, null when there is none.
  Http2StreamState* next_news() const { return first_news_; }
  // What happened on it; it leaves the list.
  StreamNews take_news(Http2StreamState& stream);
  // The owner is done with it: the session forgets it and returns the credit of what was not read.
  // A stream whose response is not complete is reset with `code`.
  void release(Http2StreamState& stream, Http2Code code = Http2Code::InternalError);

  // The backend has taken `bytes` of the body: the client may send as many more.
  void credit(Http2StreamState& stream, std::size_t bytes);

  // --- responses: text as for HTTP/1.1, that is status line, header lines, empty line. Names are
  // lower-cased in place and hop-by-hop lines are left out; the text may go when the call returns.
  // False: the stream or the connection is gone (which is news, too), its response was complete
  // already, or the text is no head.

  // An interim response (1xx but 101).
  bool respond_interim(Http2StreamState& stream, std::string& text);
  // The final head and the first piece of its body. `last`: nothing follows. `piece` must stay
  // where it is until sent(), or until the stream is closed or released. Mostly it is sent at once;
  // else that will be news.
  bool respond(Http2StreamState& stream, std::string& text, std::string_view piece, bool last);
  // To an extended CONNECT, in place of a 101: `:status 200`, without the handshake's own lines.
  bool respond_tunnel(Http2StreamState& stream, std::string& text);
  // The next piece, after the one before was sent; empty with `last` ends the body. `trailers` are
  // lines that end it (no empty line behind them), and may go when the call returns.
  bool send(Http2StreamState& stream, std::string_view piece, bool last,
            std::string_view trailers = {});
  // Whether all that was given is in the output: pieces may go, and after the last the stream is
  // complete.
  bool sent(const Http2StreamState& stream) const;
  // Whether it is the client that holds the response back: it has given no credit for the stream,
  // or none for the connection. Else the other streams are having their turn.
  bool wants_credit(const Http2StreamState& stream) const;
  // RST_STREAM: INTERNAL_ERROR for a body that the backend cut short, CANCEL for a client that
  // takes nothing. Codes that blame the client cost it a token of its flood budget.
  void reset(Http2StreamState& stream, Http2Code code);

  // --- output

  // Whether take_output() would bring something.
  bool has_output() const;
  // Swaps `out`, which was written, for what is to be written next. False: nothing.
  bool take_output(std::string& out);

 private:
  friend struct SessionCallbacks;

  // The connection.
  void pump();
  void fail(Http2Code code, std::string_view reason, Flood flood = Flood::None);
  void fail_by_library(int error);
  void flooded(Flood flood);
  void goaway_sent(std::uint32_t code, std::string_view reason);
  void reset_sent(std::uint32_t code);
  bool judge_frames(std::string_view bytes);
  void count_bad_stream();
  void close_streams();

  // Its streams.
  Http2StreamState* attach(std::uint32_t id);
  void note(Http2StreamState& stream);
  void unlist(Http2StreamState& stream);
  void note_closed(Http2StreamState& stream);
  void prioritised(std::uint32_t id);
  bool was_prioritised(std::uint32_t id) const;

  // A request.
  void head_complete(bool ended);
  void body_came(Http2StreamState& stream, std::string_view data);
  void body_ended(Http2StreamState& stream);
  void tell_head(Http2StreamState& stream);
  void end_upload(Http2StreamState& stream);
  void grow_window(Http2StreamState& stream);

  // A response.
  bool can_send(const Http2StreamState& stream) const;
  bool submit(Http2StreamState& stream, std::size_t text_size, std::string_view piece, bool last);
  void pump_for(Http2StreamState& stream);
  void note_sent(Http2StreamState& stream);
  void response_finished(Http2StreamState& stream);
  void submit_reset(Http2StreamState& stream, Http2Code code);

  Http2StreamOwner& owner_;
  Http2Counts& counts_;
  Random& random_;
  SessionMemory memory_;
  nghttp2_session* session_ = nullptr;
  std::unique_ptr<ResponseFields> fields_;
  RequestText text_;  // of the header block that is being read
  FrameWalk walk_;
  StreamOrder order_;
  FloodBudget budget_;
  SteadyTime now_;
  bool trusted_;

  Http2StreamState* streams_ = nullptr;
  Http2StreamState* reading_ = nullptr;  // whose head text_ holds
  Http2StreamState* caller_ = nullptr;   // whose respond() or send() runs: it needs no news of it
  Http2StreamState* first_news_ = nullptr;
  Http2StreamState** last_news_ = &first_news_;
  std::size_t open_streams_ = 0;
  std::size_t uploads_ = 0;  // streams whose request has not ended

  std::size_t block_bytes_ = 0;  // decoded bytes of the header block that is being read
  std::size_t most_block_bytes_;
  // Streams whose priority came before their head (RFC 9218 7.1); the last few.
  std::array<std::uint32_t, 8> prioritised_{};
  std::size_t next_prioritised_ = 0;

  std::string out_;
  Over over_ = Over::No;
  Http2Code code_ = Http2Code::NoError;
  Flood flood_ = Flood::None;
  Flood pending_flood_ = Flood::None;  // seen in a callback
  std::string reason_;
  bool settings_acknowledged_ = false;
  bool peer_goes_away_ = false;
  bool takes_no_more_ = false;  // a GOAWAY that names the last stream is on its way
};

}  // namespace keepsake
