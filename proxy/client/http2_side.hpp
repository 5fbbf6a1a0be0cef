#pragma once
// HTTP/2's half of client_side.hpp, which says what each does. Every function is for an exchange
// whose client is a stream.

#include "client/http2_stream.hpp"
#include "exchange/body_piece.hpp"
#include "exchange/exchange.hpp"

namespace keepsake::http2 {

Fault read_head(Exchange& x);
void measure_body(Exchange& x);
Task<BodyPiece> read_piece(Exchange& x);
IoStatus invite_body(Exchange& x);
void stop_reading(Exchange& x);
void end_head(Exchange& x);
IoStatus write_interim(Exchange& x);
Task<IoStatus> write_piece(Exchange& x, std::string_view data, bool last,
                           std::string_view trailers);
void abort_response(Exchange& x, Fault fault);

// Whether the backend's 101 answers the key that Keepsake gave it (RFC 6455 4.1).
bool answers_key(const Exchange& x);

// Gives the head in work.out and `piece` to the session; what remains is to wait until it is in the
// output.
bool give_head(Exchange& x, std::string_view piece, bool last);

// Waits until what was given is in the output, its memory free. TimedOut: the client made no room
// for it for `stall`.
struct Sent {
  Http2Stream& stream;
  Millis stall;
  bool await_ready() const;
  void await_suspend(std::coroutine_handle<> waiter) const;
  IoStatus await_resume() const;
};

}  // namespace keepsake::http2
