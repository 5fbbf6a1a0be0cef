#pragma once
// Looks every two seconds whether certificate files have changed, and has them read again: whoever
// renews them in place (cert-manager, certbot) need not know of Keepsake. On the control thread.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "server/server.hpp"

namespace keepsake {

class CertificateWatch {
 public:
  // Both outlive this.
  CertificateWatch(asio::io_context& io, Server& server);

 private:
  void look_later();

  Server& server_;
  asio::steady_timer timer_;
};

}  // namespace keepsake
