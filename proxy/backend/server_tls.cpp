#include "backend/server_tls.hpp"

#include "io/tls.hpp"
#include "io/tls_backend.hpp"

namespace keepsake {

void ServerTls::apply(const BackendConfig& backend, const ServerConfig& server,
                      std::shared_ptr<const TlsBackend> tls) {
  const std::string& host = server.address.host;
  const std::string& name = backend.tls.server_name.empty() ? host : backend.tls.server_name;
  if (wanted_ == server.tls && tls_ == tls && name_ == name) {
    return;
  }
  wanted_ = server.tls;
  tls_ = std::move(tls);
  name_ = name;
  session_.begin_epoch();
  generation_ = tls_ ? tls_->generation() : 0;
  ++epoch_;
}

unsigned ServerTls::epoch() {
  if (tls_ && tls_->generation() != generation_) {
    generation_ = tls_->generation();
    session_.begin_epoch();  // what was believed by older files is not carried on
    ++epoch_;
  }
  return epoch_;
}

Task<error_code> ServerTls::secure(Stream& stream, SteadyTime deadline, Metrics* metrics,
                                   std::string& why) {
  const auto count = [metrics](Counter counter) {
    if (metrics != nullptr) {
      metrics->add(counter);
    }
  };
  epoch();
  std::unique_ptr<Tls> tls = tls_ ? tls_->connect(stream.fd(), name_, session_) : nullptr;
  if (!tls) {
    why = "there is nothing to verify the server by";
    co_return error_code{asio::error::no_recovery};
  }
  const bool verifies = tls_->verifies();
  const IoStatus status = co_await stream.handshake(tls, deadline, why);
  if (status == IoStatus::TimedOut) {
    why.clear();
    co_return error_code{asio::error::timed_out};
  }
  if (status != IoStatus::Ok) {
    session_.forget();
    count(Counter::BackendTlsFailures);
    co_return error_code{asio::error::connection_aborted};
  }
  why.clear();
  count(Counter::BackendTlsHandshakes);
  if (stream.tls()->resumed()) {
    count(Counter::BackendTlsResumptions);
  }
  if (!verifies) {
    count(Counter::BackendTlsUnverified);
  }
  co_return error_code{};
}

}  // namespace keepsake
