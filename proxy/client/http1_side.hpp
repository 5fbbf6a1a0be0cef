#pragma once
// HTTP/1's half of client_side.hpp, which says what each does.

#include "exchange/body_piece.hpp"
#include "exchange/exchange.hpp"
#include "io/stream.hpp"

namespace keepsake::http1 {

Task<Fault> read_head(Exchange& x);
Task<BodyPiece> read_piece(Exchange& x);
Task<IoStatus> invite_body(Exchange& x);
void stop_reading(Exchange& x);
void end_head(Exchange& x);
Task<IoStatus> write_piece(Exchange& x, std::string_view data, bool last,
                           std::string_view trailers);
void abort_response(Exchange& x, Fault fault);
void end_response(Exchange& x);

}  // namespace keepsake::http1
