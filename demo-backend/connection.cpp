#include "demo-backend/connection.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/url/parse.hpp>

#include "demo-backend/answers.hpp"
#include "demo-backend/streams.hpp"
#include "demo-backend/websocket.hpp"

namespace keepsake::demo {
namespace {

constexpr std::uint32_t head_limit = 64 * 1024;
constexpr std::uint64_t body_limit = 16 * 1024 * 1024;
// Longer than a proxy keeps its idle connections, so that it is never us who closes under a
// request.
constexpr std::chrono::seconds idle_timeout{90};
constexpr std::chrono::seconds body_timeout{30};

http::status status_of(beast::error_code error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return http::status::request_header_fields_too_large;
  }
  return error == http::error::body_limit ? http::status::payload_too_large
                                          : http::status::bad_request;
}

// Says why the request could not be read. A client that is still sending would lose the answer to a
// reset connection, so what it sends is read for a moment and thrown away (RFC 9112 9.6).
Awaitable<void> refuse_unreadable(Stream& stream, beast::error_code error) {
  const http::status status = status_of(error);
  const Request nobody{http::verb::get, "/", 11};
  Response response =
      refuse(nobody, status, "The request cannot be read: " + error.message() + ".");
  response.keep_alive(false);
  const bool written = co_await write_response(stream, nobody, response);
  if (!written) {
    co_return;
  }
  beast::error_code ignored;
  stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
  std::array<char, 16 * 1024> rest;
  stream.expires_after(std::chrono::seconds{2});
  for (std::size_t total = 0; total < body_limit;) {
    auto [read_error, count] = co_await stream.async_read_some(asio::buffer(rest), no_throw);
    if (read_error) {
      co_return;
    }
    total += count;
  }
}

// True when the client may send the body it announced.
Awaitable<bool> send_continue(Stream& stream, RequestParser& parser) {
  if (!beast::iequals(parser.request()[http::field::expect], "100-continue") ||
      parser.request().version() < 11) {
    co_return true;
  }
  const http::response<http::empty_body> go_on{http::status::continue_, 11};
  http::response_serializer<http::empty_body> serializer{go_on};
  auto [error, written] = co_await http::async_write(stream, serializer, no_throw);
  co_return !error;
}

// The empty result: no further request, whatever the reason; it has been answered if it could be.
Awaitable<std::optional<Request>> read_request(Stream& stream, beast::flat_buffer& buffer,
                                               Drain& drain) {
  RequestParser parser;
  parser.header_limit(head_limit);
  parser.body_limit(body_limit);
  stream.expires_after(idle_timeout);
  const auto is_idle = [&parser, &buffer] { return !parser.got_some() && buffer.size() == 0; };
  if (drain.started() && is_idle()) {
    co_return std::nullopt;
  }
  beast::error_code error;
  {
    const Drain::Hook hook{drain, [&stream, &is_idle] {
                             if (is_idle()) {
                               stream.cancel();
                             }
                           }};
    auto [head_error, count] = co_await http::async_read_header(stream, buffer, parser, no_throw);
    error = head_error;
  }
  if (!error) {
    stream.expires_after(body_timeout);
    const bool go_on = co_await send_continue(stream, parser);
    if (!go_on) {
      co_return std::nullopt;
    }
    if (!parser.is_done()) {
      auto [body_error, count] = co_await http::async_read(stream, buffer, parser, no_throw);
      error = body_error;
    }
  }
  if (!error) {
    co_return std::move(parser.request());
  }
  const bool is_bad_request =
      error.category() == http::make_error_code(http::error::bad_target).category();
  if (is_bad_request && error != http::error::end_of_stream &&
      error != http::error::partial_message) {
    co_await refuse_unreadable(stream, error);
  }
  co_return std::nullopt;
}

// The target of a request: a path as a rule, a whole URL where a proxy is spoken to (RFC 9112 3.2).
boost::system::result<urls::url_view> parse_target(std::string_view target) {
  return target.starts_with('/') ? urls::parse_origin_form(target) : urls::parse_uri(target);
}

// True when the connection can carry another exchange.
Awaitable<bool> answer_request(Stream& stream, Drain& drain, const Request& request,
                               bool more_is_waiting) {
  Response response;
  const auto target = parse_target(request.target());
  if (request.target() == "*" && request.method() == http::verb::options) {
    response = make_response(request, http::status::ok, "text/plain; charset=utf-8", "");
    response.set(http::field::allow, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  } else if (!target || target->encoded_path().empty() || target->encoded_path().front() != '/') {
    response = refuse(request, http::status::bad_request, "The target is not a path.");
  } else if (target->encoded_path() == "/websocket") {
    if (beast::websocket::is_upgrade(request) && !more_is_waiting) {
      co_await echo_websocket(stream, drain, request);
      co_return false;
    }
    response = refuse(request, http::status::upgrade_required, "This is a WebSocket.");
    response.set(http::field::upgrade, "websocket");
    response.set(http::field::connection, "upgrade");
  } else if (is_stream(target->encoded_path())) {
    co_return co_await answer_stream(stream, drain, request, *target);
  } else {
    response = answer(request, *target);
  }
  response.keep_alive(request.keep_alive() && !drain.started());
  const bool written = co_await write_response(stream, request, response);
  co_return written&& response.keep_alive();
}

}  // namespace

Awaitable<void> serve_connection(Stream stream, Drain& drain) {
  beast::flat_buffer buffer;
  buffer.reserve(16 * 1024);
  bool goes_on = true;
  while (goes_on) {
    const std::optional<Request> request = co_await read_request(stream, buffer, drain);
    if (!request) {
      break;
    }
    goes_on = co_await answer_request(stream, drain, *request, buffer.size() > 0);
  }
  beast::error_code ignored;
  stream.socket().shutdown(asio::socket_base::shutdown_both, ignored);
}

}  // namespace keepsake::demo
