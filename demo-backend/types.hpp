#pragma once
// The Asio and Beast types that every file here shares: one concrete stream for TCP and Unix
// sockets, one concrete executor, awaits that never throw.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/url/url_view.hpp>
#include <functional>
#include <list>
#include <utility>

#include "demo-backend/request.hpp"

namespace keepsake::demo {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace urls = boost::urls;

using Executor = asio::io_context::executor_type;
using Stream = beast::basic_stream<asio::generic::stream_protocol, Executor>;
template <class T = void>
using Awaitable = asio::awaitable<T, Executor>;
inline constexpr auto no_throw = asio::as_tuple(asio::use_awaitable_t<Executor>{});

using Response = http::response<http::string_body>;

// The end of the program, told to whoever waits for something that may never come: an idle
// connection, an endless stream of events, a WebSocket. Everything here runs on one thread.
class Drain {
 public:
  // Calls `wake` if the end comes while it is alive.
  class Hook {
   public:
    Hook(Drain& drain, std::function<void()> wake)
        : drain_(drain), place_(drain.hooks_.insert(drain.hooks_.end(), std::move(wake))) {}
    ~Hook() { drain_.hooks_.erase(place_); }
    Hook(const Hook&) = delete;
    Hook& operator=(const Hook&) = delete;

   private:
    Drain& drain_;
    std::list<std::function<void()>>::iterator place_;
  };

  bool started() const { return started_; }
  void start() {
    started_ = true;
    for (const auto& wake : hooks_) {
      wake();
    }
  }

 private:
  bool started_ = false;
  std::list<std::function<void()>> hooks_;
};

}  // namespace keepsake::demo
