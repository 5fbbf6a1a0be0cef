#pragma once
// The admin listener: /healthz, /readyz, /metrics, /config and /sessions for operators, on the
// control thread. Small limits, a deadline on everything. Shows no secret, never touches the
// request path, and changes nothing but what /sessions ends for whoever holds the token.

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/admin_answer.hpp"
#include "admin/status.hpp"
#include "base/address.hpp"
#include "io/asio.hpp"
#include "server/listening_sockets.hpp"
#include "server/server.hpp"

namespace keepsake {

class AdminListener {
 public:
  // All three outlive it, and it outlives io.run().
  AdminListener(asio::io_context& io, const Server& server, const Status& status);

  // Binds admin.address, or nothing if there is none, without answering yet; what is in use stays
  // so. An address that is in use already keeps its sockets. On failure `error` says why.
  bool open(const Config& config, InheritedSockets& inherited, std::string& error);
  // Undoes open(): what it has bound is closed, what is in use stays.
  void abandon();
  // Answers on what open() has bound, and no more on what was in use before; the io_context does
  // the rest. Connections live on.
  void start();
  // As bound: port 0 has become a real one. Empty before start().
  const std::optional<SocketAddress>& address() const { return address_; }

  // Accepts no more on sockets that another process accepts from by now.
  void leave();
  // Accepts no more, for good: the end of the process.
  void close();
  // The listening sockets in use, for the process that takes over.
  std::vector<SharedSocket> sockets() const {
    return bound_ ? bound_->sockets : std::vector<SharedSocket>{};
  }

 private:
  struct Bound {
    SocketAddress configured;
    SocketAddress address;              // with the real port
    std::vector<SharedSocket> sockets;  // a name may have several addresses
  };
  using Request = boost::beast::http::request<boost::beast::http::empty_body>;
  struct Door;  // an acceptor that several coroutines may know

  asio::awaitable<void> accept(std::shared_ptr<Door> door);
  asio::awaitable<void> serve(Socket socket);
  void close_doors();
  // Why a request is not looked at any further: the name under which it came, or nothing.
  std::optional<AdminAnswer> refuse_host(const Request& request) const;
  // What a GET of a page gets.
  AdminAnswer page(std::string_view path, std::string_view query, std::string_view accept) const;
  AdminAnswer readiness(bool verbose) const;

  asio::io_context& io_;
  const Server& server_;
  const Status& status_;
  std::optional<Bound> opened_;  // by open(), not yet in use
  std::optional<Bound> bound_;   // in use
  std::vector<std::shared_ptr<Door>> doors_;
  std::optional<SocketAddress> address_;
  std::shared_ptr<std::size_t> open_ = std::make_shared<std::size_t>(0);
};

}  // namespace keepsake
