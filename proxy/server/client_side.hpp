#pragma once
// What an exchange does with its client: the seam between the steps and the protocols. The steps
// use nothing else to read a request's body, to write a response, or to break one off; they know
// neither chunks, frames nor connections. One branch for each operation: HTTP/1 awaits its stream
// directly, without a frame of a coroutine in between.

#include <new>
#include <string_view>

#include "base/stream.hpp"
#include "base/task.hpp"
#include "server/exchange.hpp"
#include "server/http1_side.hpp"
#include "server/http2_side.hpp"
#include "server/route_rules.hpp"

namespace keepsake {

// --- The request

// Reads the head that begins with the bytes in work.in, within its limits and its deadline, into
// work.request, where it is held. Its meaning is not checked: check_request does that.
inline Task<Fault> read_head(Exchange& x) {
  if (x.client.http2 == nullptr) {
    return http1::read_head(x);
  }
  return http2::read_head(x);
}

// Adds to x.body, the framing that the head announces, what the protocol knows by itself.
inline void measure_body(Exchange& x) {
  if (x.client.http2 != nullptr) {
    http2::measure_body(x);
  }
}

// The next piece of the body.
inline Task<BodyPiece> read_piece(Exchange& x) {
  return x.client.http2 == nullptr ? http1::read_piece(x) : http2::read_piece(x);
}

// 100 (Continue), if the client waits for it and nothing of the body has arrived yet.
inline Task<IoStatus> invite_body(Exchange& x) {
  if (x.client.http2 == nullptr) {
    return http1::invite_body(x);
  }
  return http2::invite_body(x);
}

// Ends a read_piece() that waits, with a fault: nothing more of the body is wanted.
inline void stop_reading(Exchange& x) {
  x.client.http2 == nullptr ? http1::stop_reading(x) : http2::stop_reading(x);
}

// --- The response. Heads are composed in work.out as text of HTTP/1.1.

// Completes the final head in work.out, and decides whether another exchange may follow.
inline void end_head(Exchange& x) {
  x.client.http2 == nullptr ? http1::end_head(x) : http2::end_head(x);
}

// Puts `piece`, which is short and all of the body, where write_head() takes it from: behind the
// head in work.out, so that one part is written, or beside it. What is to be given to write_head().
inline std::string_view keep_with_head(Exchange& x, std::string_view piece) {
  if (x.client.http2 == nullptr) {
    x.work.out.append(piece);
    return {};
  }
  x.work.body.assign(piece);
  return x.work.body;
}

// The wait of write_head().
class ClientWrite {
 public:
  ClientWrite(Exchange& x, std::string_view piece, bool last, bool interim) {
    const Millis stall = x.rules->timeouts.write;
    if (x.client.http2 == nullptr) {
      new (&wire_) Stream::WriteAwaiter{x.client.wire, stall, x.work.out, piece, {}, {}};
      return;
    }
    new (&sent_) http2::Sent{*x.client.http2, stall};
    http2_ = true;
    refused_ =
        interim ? http2::write_interim(x) != IoStatus::Ok : !http2::give_head(x, piece, last);
  }
  ClientWrite(const ClientWrite&) = delete;
  ClientWrite& operator=(const ClientWrite&) = delete;

  bool await_ready() { return http2_ ? refused_ || sent_.await_ready() : wire_.await_ready(); }
  void await_suspend(std::coroutine_handle<> waiter) {
    http2_ ? sent_.await_suspend(waiter) : wire_.await_suspend(waiter);
  }
  IoStatus await_resume() const {
    if (http2_) {
      return refused_ ? IoStatus::Failed : sent_.await_resume();
    }
    return wire_.await_resume();
  }

 private:
  union {
    Stream::WriteAwaiter wire_;
    http2::Sent sent_;
  };
  bool http2_ = false;
  bool refused_ = false;
};

// Whether the backend's 101 is one to the handshake that it was sent; the client's own is the
// client's to judge.
inline bool answers_handshake(const Exchange& x) {
  return x.client.http2 == nullptr || http2::answers_key(x);
}

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
inline Task<IoStatus> write_piece(Exchange& x, std::string_view data, bool last,
                                  std::string_view trailers = {}) {
  return x.client.http2 == nullptr ? http1::write_piece(x, data, last, trailers)
                                   : http2::write_piece(x, data, last, trailers);
}

// The response ends here and is incomplete, by this fault: the client will know that it is. Of the
// client's own faults (it left, it accepts nothing) nothing more is said.
inline void abort_response(Exchange& x, Fault fault) {
  x.client.http2 == nullptr ? http1::abort_response(x, fault) : http2::abort_response(x, fault);
}

// After the last byte of a response.
inline void end_response(Exchange& x) {
  if (x.client.http2 == nullptr) {
    http1::end_response(x);
  }
}

}  // namespace keepsake
