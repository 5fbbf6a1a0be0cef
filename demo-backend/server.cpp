#include "demo-backend/server.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <stdexcept>

#include "demo-backend/connection.hpp"

namespace keepsake::demo {
namespace {

constexpr std::size_t most_connections = 10'000;

// A socket file that nobody answers behind is what a killed process left; one that answers is in
// use.
void remove_stale_socket(asio::io_context& context, const std::string& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) {
    return;
  }
  asio::local::stream_protocol::socket probe{context};
  boost::system::error_code error;
  probe.connect(asio::local::stream_protocol::endpoint{path}, error);
  if (error == asio::error::connection_refused) {
    ::unlink(path.c_str());
  }
}

asio::generic::stream_protocol::endpoint endpoint_of(asio::io_context& context,
                                                     const SocketAddress& address) {
  if (address.kind == SocketAddress::Kind::Unix) {
    remove_stale_socket(context, address.path);
    return asio::local::stream_protocol::endpoint{address.path};
  }
  asio::ip::tcp::resolver resolver{context};
  const auto found = resolver.resolve(address.host, std::to_string(address.port),
                                      asio::ip::resolver_base::passive);
  return asio::ip::tcp::endpoint{found.begin()->endpoint()};
}

}  // namespace

Server::Server(asio::io_context& context, const SocketAddress& address)
    : context_(context),
      address_(address),
      acceptor_(context.get_executor()),
      timer_(context.get_executor()) {
  const auto endpoint = endpoint_of(context, address);
  acceptor_.open(endpoint.protocol());
  acceptor_.set_option(asio::socket_base::reuse_address{true});
  acceptor_.bind(endpoint);
  acceptor_.listen();
  if (address.kind == SocketAddress::Kind::Tcp) {
    const auto bound = acceptor_.local_endpoint();
    asio::ip::tcp::endpoint tcp;
    tcp.resize(bound.size());
    std::copy_n(static_cast<const char*>(static_cast<const void*>(bound.data())), bound.size(),
                static_cast<char*>(static_cast<void*>(tcp.data())));
    address_.port = tcp.port();
  }
}

Server::~Server() {
  if (address_.kind == SocketAddress::Kind::Unix) {
    ::unlink(address_.path.c_str());
  }
}

void Server::start() {
  asio::co_spawn(context_.get_executor(), accept_connections(),
                 [](const std::exception_ptr& error) {
                   if (error) {
                     std::rethrow_exception(error);
                   }
                 });
}

void Server::stop(std::chrono::seconds patience) {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  drain_.start();
  if (connections_ == 0) {
    context_.stop();
    return;
  }
  timer_.expires_after(patience);
  timer_.async_wait([this](boost::system::error_code) { context_.stop(); });
}

Awaitable<void> Server::accept_connections() {
  while (acceptor_.is_open()) {
    auto [error, socket] = co_await acceptor_.async_accept(no_throw);
    if (error) {
      if (acceptor_.is_open()) {
        // Out of descriptors, most likely: others will be given back.
        timer_.expires_after(std::chrono::milliseconds{100});
        co_await timer_.async_wait(no_throw);
      }
      continue;
    }
    if (connections_ >= most_connections) {
      continue;  // closes it
    }
    boost::system::error_code ignored;  // a Unix socket has no such option
    socket.set_option(asio::ip::tcp::no_delay{true}, ignored);
    ++connections_;
    asio::co_spawn(context_.get_executor(), serve_connection(Stream{std::move(socket)}, drain_),
                   [this](const std::exception_ptr& failure) {
                     if (failure) {
                       std::rethrow_exception(failure);
                     }
                     if (--connections_ == 0 && drain_.started()) {
                       context_.stop();
                     }
                   });
  }
}

}  // namespace keepsake::demo
