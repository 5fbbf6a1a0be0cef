#pragma once
// What an exchange does with its client: the seam between the steps and the protocols. The steps
// use nothing else to read a request's body, to write a response, or to break one off; they know
// neither chunks, frames nor connections. client/client_side.cpp has one branch for each operation.

#include <coroutine>
#include <cstdint>
#include <new>
#include <string_view>

#include "exchange/body_piece.hpp"
#include "exchange/exchange.hpp"
#include "io/stream.hpp"
#include "io/task.hpp"
#include "routing/route_rules.hpp"

namespace keepsake {

// --- The request

// Reads the head that begins with the bytes in work.in, within its limits and its deadline, into
// work.request, where it is held. Its meaning is not checked: check_request does that.
Task<Fault> read_head(Exchange& x);

// The number of the HTTP/2 stream; 0 over HTTP/1.
std::uint32_t stream_number(const Exchange& x);

// Adds to x.body, the framing that the head announces, what the protocol knows by itself.
void measure_body(Exchange& x);

// The next piece of the body.
Task<BodyPiece> read_piece(Exchange& x);

// 100 (Continue), if the client waits for it and nothing of the body has arrived yet.
Task<IoStatus> invite_body(Exchange& x);

// Ends a read_piece() that waits, with a fault: nothing more of the body is wanted.
void stop_reading(Exchange& x);

// --- The response. Heads are composed in work.out as text of HTTP/1.1.

// Completes the final head in work.out, and decides whether another exchange may follow.
void end_head(Exchange& x);

// Puts `piece`, which is short and all of the body, where write_head() takes it from: behind the
// head in work.out, so that one part is written, or beside it. What is to be given to write_head().
std::string_view keep_with_head(Exchange& x, std::string_view piece);

// The wait of write_head(): of HTTP/1 for the stream, without a call in between.
class ClientWrite {
 public:
  ClientWrite(Exchange& x, std::string_view piece, bool last, bool interim) {
    if (x.client.http2 == nullptr) {
      new (&wire_) Stream::WriteAwaiter{
          x.client.wire, x.rules->timeouts.write, x.work.out, piece, {}, {}};
    } else {
      give_to_stream(x, piece, last, interim);
    }
  }
  ClientWrite(const ClientWrite&) = delete;
  ClientWrite& operator=(const ClientWrite&) = delete;

  bool await_ready() { return stream_ == nullptr ? wire_.await_ready() : stream_ready(); }
  void await_suspend(std::coroutine_handle<> waiter) {
    stream_ == nullptr ? wire_.await_suspend(waiter) : wait_for_stream(waiter);
  }
  IoStatus await_resume() const {
    return stream_ == nullptr ? wire_.await_resume() : stream_result();
  }

 private:
  void give_to_stream(Exchange& x, std::string_view piece, bool last, bool interim);
  bool stream_ready() const;
  void wait_for_stream(std::coroutine_handle<> waiter) const;
  IoStatus stream_result() const;

  Http2Stream* stream_ = nullptr;  // null: HTTP/1
  union {
    Stream::WriteAwaiter wire_;
    Millis stall_;
  };
  bool refused_ = false;
};

// Whether the backend's 101 is one to the handshake that it was sent; the client's own is the
// client's to judge.
bool answers_handshake(const Exchange& x);

// Writes work.out, an interim head.
inline ClientWrite write_interim(Exchange& x) {
  return {x, {}, false, true};
}

// Writes work.out, the final head, and `piece` behind it: what of the body is there. `last`:
// nothing follows. TimedOut: the client accepted no byte for timeouts.write.
inline ClientWrite write_head(Exchange& x, std::string_view piece, bool last) {
  return {x, piece, last, false};
}

// Writes the next piece of the body, behind the head if that still stands in work.out; with the
// `last` one the end of the body and these trailer lines. Empties work.out.
Task<IoStatus> write_piece(Exchange& x, std::string_view data, bool last,
                                  std::string_view trailers = {});

// The response ends here and is incomplete, by this fault: the client will know that it is. Of the
// client's own faults (it left, it accepts nothing) nothing more is said.
void abort_response(Exchange& x, Fault fault);

// After the last byte of a response.
void end_response(Exchange& x);

}  // namespace keepsake
