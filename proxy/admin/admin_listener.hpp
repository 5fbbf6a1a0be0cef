#pragma once
// The admin listener: /healthz, /readyz, /metrics and /config for operators, on the control
// thread. GET and HEAD only, small limits, a deadline on everything. Changes nothing, shows no
// secret, and never touches the request path.

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "admin/status.hpp"
#include "base/address.hpp"
#include "base/asio.hpp"
#include "server/server.hpp"

namespace keepsake {

class AdminListener {
 public:
  // All three outlive it, and it outlives io.run().
  AdminListener(asio::io_context& io, const Server& server, const Status& status);

  // Binds. On failure `error` says why.
  bool open(const SocketAddress& address, std::string& error);
  // Begins to answer; the io_context does the rest.
  void start();
  // As bound: port 0 has become a real one. Empty before open().
  const std::optional<SocketAddress>& address() const { return address_; }

  struct Answer {
    unsigned status = 200;
    std::string_view type = "text/plain; charset=utf-8";
    std::string body;
  };
  // What a GET of `target` gets.
  Answer answer(std::string_view target) const;

 private:
  asio::awaitable<void> accept();
  asio::awaitable<void> serve(Socket socket);
  Answer readiness(bool verbose) const;

  asio::io_context& io_;
  const Server& server_;
  const Status& status_;
  Acceptor acceptor_;
  std::optional<SocketAddress> address_;
  std::shared_ptr<std::size_t> open_ = std::make_shared<std::size_t>(0);
};

}  // namespace keepsake
