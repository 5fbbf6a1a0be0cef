// What exchange/client_side.hpp declares, for each protocol.

#include "exchange/client_side.hpp"

#include "client/http1_side.hpp"
#include "client/http2_side.hpp"

namespace keepsake {

Task<Fault> read_head(Exchange& x) {
  if (x.client.http2 == nullptr) {
    return http1::read_head(x);
  }
  return http2::read_head(x);
}

void measure_body(Exchange& x) {
  if (x.client.http2 != nullptr) {
    http2::measure_body(x);
  }
}

Task<BodyPiece> read_piece(Exchange& x) {
  return x.client.http2 == nullptr ? http1::read_piece(x) : http2::read_piece(x);
}

Task<IoStatus> invite_body(Exchange& x) {
  if (x.client.http2 == nullptr) {
    return http1::invite_body(x);
  }
  return http2::invite_body(x);
}

void stop_reading(Exchange& x) {
  x.client.http2 == nullptr ? http1::stop_reading(x) : http2::stop_reading(x);
}

void end_head(Exchange& x) {
  x.client.http2 == nullptr ? http1::end_head(x) : http2::end_head(x);
}

std::string_view keep_with_head(Exchange& x, std::string_view piece) {
  if (x.client.http2 == nullptr) {
    x.work.out.append(piece);
    return {};
  }
  x.work.body.assign(piece);
  return x.work.body;
}

bool answers_handshake(const Exchange& x) {
  return x.client.http2 == nullptr || http2::answers_key(x);
}

Task<IoStatus> write_piece(Exchange& x, std::string_view data, bool last,
                                  std::string_view trailers) {
  return x.client.http2 == nullptr ? http1::write_piece(x, data, last, trailers)
                                   : http2::write_piece(x, data, last, trailers);
}

void abort_response(Exchange& x, Fault fault) {
  x.client.http2 == nullptr ? http1::abort_response(x, fault) : http2::abort_response(x, fault);
}

void end_response(Exchange& x) {
  if (x.client.http2 == nullptr) {
    http1::end_response(x);
  }
}

std::uint32_t stream_number(const Exchange& x) {
  return x.client.http2 == nullptr ? 0 : x.client.http2->id;
}

void ClientWrite::give_to_stream(Exchange& x, std::string_view piece, bool last, bool interim) {
  stream_ = x.client.http2;
  new (&stall_) Millis{x.rules->timeouts.write};
  refused_ =
      interim ? http2::write_interim(x) != IoStatus::Ok : !http2::give_head(x, piece, last);
}

bool ClientWrite::stream_ready() const {
  return refused_ || http2::Sent{*stream_, stall_}.await_ready();
}

void ClientWrite::wait_for_stream(std::coroutine_handle<> waiter) const {
  http2::Sent{*stream_, stall_}.await_suspend(waiter);
}

IoStatus ClientWrite::stream_result() const {
  return refused_ ? IoStatus::Failed : http2::Sent{*stream_, stall_}.await_resume();
}

}  // namespace keepsake
