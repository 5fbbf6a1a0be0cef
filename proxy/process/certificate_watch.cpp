#include "process/certificate_watch.hpp"

namespace keepsake {

namespace {
constexpr std::chrono::seconds kPause{2};
}

CertificateWatch::CertificateWatch(asio::io_context& io, Server& server)
    : server_(server), timer_(io) {
  look_later();
}

void CertificateWatch::look_later() {
  timer_.expires_after(kPause);
  timer_.async_wait([this](const error_code& error) {
    if (!error) {
      server_.refresh_certificates();
      look_later();
    }
  });
}

}  // namespace keepsake
