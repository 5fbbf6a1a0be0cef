#include "exchange/tunnel_end.hpp"

#include "client/http2_tunnel.hpp"

namespace keepsake {

namespace {

// Not in a round: whoever sees that both sides have said Close ends the tunnel, and a Close that
// waits for its round would be lost with it.
constexpr WriteTerms kAtOnce{true, nullptr};

Task<IoResult> read_connection(Stream& wire, Buffer& in, SteadyTime deadline) {
  const IoResult result = co_await wire.read_some(in.space(), in.space_size(), deadline);
  if (result.status == IoStatus::Ok) {
    in.commit(result.bytes);
  }
  co_return result;
}

Task<IoStatus> write_connection(Stream& wire, Millis stall, std::string_view data) {
  co_return co_await wire.write(stall, data, {}, kAtOnce);
}

}  // namespace

Task<IoResult> TunnelEnd::read(Buffer& in, SteadyTime deadline) {
  return stream_ == nullptr ? read_connection(wire_, in, deadline)
                            : http2::read_tunnel(*stream_, deadline);
}

void TunnelEnd::credit(std::size_t bytes) {
  if (stream_ != nullptr) {
    http2::credit_tunnel(*stream_, bytes);
  }
}

Task<IoStatus> TunnelEnd::write(Millis stall, std::string_view data) {
  if (backend_ != nullptr && backend_->http2 != nullptr) {
    std::string unused;
    return backend_->write_piece(stall, data, false, false, unused);
  }
  return stream_ == nullptr ? write_connection(wire_, stall, data)
                            : http2::write_tunnel(*stream_, stall, data);
}

void TunnelEnd::end() {
  if (backend_ != nullptr) {
    backend_->end_writing();
    return;
  }
  stream_ == nullptr ? wire_.shutdown_write() : http2::end_tunnel(*stream_);
}

// A connection is closed after its exchange anyway.
void TunnelEnd::close(bool broken) {
  if (backend_ != nullptr) {
    if (!broken) {
      backend_->end_writing();
    }
  } else if (stream_ != nullptr) {
    broken ? http2::abort_tunnel(*stream_) : http2::end_tunnel(*stream_);
  }
}

void TunnelEnd::wake_reader(SteadyTime now) {
  if (backend_ != nullptr) {
    backend_->set_read_deadline(now);
  } else if (stream_ == nullptr) {
    wire_.set_read_deadline(now);
  } else {
    stream_->body_deadline = now;
  }
}

void TunnelEnd::interrupt() {
  if (backend_ != nullptr) {
    backend_->interrupt();
    return;
  }
  stream_ == nullptr ? wire_.interrupt() : http2::interrupt_tunnel(*stream_);
}

}  // namespace keepsake
