#include "demo-backend/streams.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>

#include "demo-backend/answers.hpp"

namespace keepsake::demo {
namespace {

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;
using Millis = std::chrono::milliseconds;

constexpr std::chrono::seconds write_timeout{60};
constexpr std::uint64_t longest_pause = 3'600'000;              // an hour, in milliseconds
constexpr std::uint64_t largest_body = std::uint64_t{1} << 40;  // 1 TiB
constexpr std::size_t piece_size = 64 * 1024;

// What /bytes is made of, so that a reader can tell whether each byte is in its place.
const std::string& piece() {
  static const std::string text = [] {
    std::string made;
    while (made.size() < piece_size) {
      made += "0123456789abcdef";
    }
    return made;
  }();
  return text;
}

// A response whose body is written piece by piece: with a length, in chunks, or until the
// connection closes for a client of HTTP/1.0.
class BodyWriter {
 public:
  BodyWriter(Stream& stream, const Request& request, std::string_view content_type,
             std::optional<std::uint64_t> length)
      : stream_(stream), head_(http::status::ok, request.version()) {
    head_.set(http::field::server, "demo-backend");
    head_.set(http::field::content_type, content_type);
    head_.set("X-Content-Type-Options", "nosniff");
    head_.set(http::field::cache_control, "no-store");
    bool keep_alive = request.keep_alive();
    if (length) {
      head_.content_length(*length);
    } else if (request.version() >= 11) {
      head_.chunked(true);
      chunked_ = true;
    } else {
      keep_alive = false;
    }
    head_.keep_alive(keep_alive);
    keep_alive_ = keep_alive;
    wants_body_ = request.method() != http::verb::head;
  }

  bool wants_body() const { return wants_body_; }
  void close_after() {
    keep_alive_ = false;
    head_.keep_alive(false);
  }

  Awaitable<bool> head() {
    http::response_serializer<http::empty_body> serializer{head_};
    stream_.expires_after(write_timeout);
    auto [error, written] = co_await http::async_write_header(stream_, serializer, no_throw);
    co_return !error;
  }

  Awaitable<bool> write(std::string_view bytes) {
    stream_.expires_after(write_timeout);
    const asio::const_buffer buffer{bytes.data(), bytes.size()};
    if (chunked_) {
      const auto chunk = http::make_chunk(buffer);
      auto [error, written] = co_await asio::async_write(stream_, chunk, no_throw);
      co_return !error;
    }
    auto [error, written] = co_await asio::async_write(stream_, buffer, no_throw);
    co_return !error;
  }

  // True when the connection can go on.
  Awaitable<bool> finish() {
    if (chunked_ && wants_body_) {
      stream_.expires_after(write_timeout);
      const auto last = http::make_chunk_last();
      auto [error, written] = co_await asio::async_write(stream_, last, no_throw);
      if (error) {
        co_return false;
      }
    }
    co_return keep_alive_;
  }

 private:
  Stream& stream_;
  http::response<http::empty_body> head_;
  bool chunked_ = false;
  bool keep_alive_ = true;
  bool wants_body_ = true;
};

Awaitable<void> pause(Stream& stream, Millis time) {
  Timer timer{stream.get_executor(), time};
  co_await timer.async_wait(no_throw);
}

Awaitable<bool> refuse_query(Stream& stream, const Request& request, std::string_view sentence) {
  Response response = refuse(request, http::status::bad_request, sentence);
  response.keep_alive(request.keep_alive());
  const bool written = co_await write_response(stream, request, response);
  co_return written&& response.keep_alive();
}

// /slow?ms=: the answer after a while.
Awaitable<bool> slow(Stream& stream, Drain& drain, const Request& request, urls::url_view url) {
  const auto time = number_in_query(url, "ms", 1000, longest_pause);
  if (!time) {
    co_return co_await refuse_query(stream, request, "ms is not a number of milliseconds.");
  }
  co_await pause(stream, Millis{*time});
  Response response = make_response(request, http::status::ok, "text/plain; charset=utf-8",
                                    "slept for " + std::to_string(*time) + " ms\n");
  response.keep_alive(request.keep_alive() && !drain.started());
  const bool written = co_await write_response(stream, request, response);
  co_return written&& response.keep_alive();
}

// /bytes?n=&chunked=: as many bytes as asked for.
Awaitable<bool> bytes(Stream& stream, Drain& drain, const Request& request, urls::url_view url) {
  const auto size = number_in_query(url, "n", 1024, largest_body);
  const auto chunked = number_in_query(url, "chunked", 0, 1);
  if (!size || !chunked) {
    co_return co_await refuse_query(stream, request, "n is not a number of bytes up to 2^40.");
  }
  if (*size <= piece_size && *chunked == 0) {
    Response response = make_response(request, http::status::ok, "application/octet-stream",
                                      piece().substr(0, static_cast<std::size_t>(*size)));
    response.keep_alive(request.keep_alive() && !drain.started());
    const bool written = co_await write_response(stream, request, response);
    co_return written&& response.keep_alive();
  }
  BodyWriter body{stream, request, "application/octet-stream", *chunked == 1 ? std::nullopt : size};
  bool good = co_await body.head();
  for (std::uint64_t left = body.wants_body() ? *size : 0; good && left > 0;) {
    const std::uint64_t now = std::min<std::uint64_t>(left, piece_size);
    good = co_await body.write({piece().data(), static_cast<std::size_t>(now)});
    left -= now;
  }
  co_return good&& co_await body.finish();
}

// /stream?count=&ms=: lines that drip.
Awaitable<bool> lines(Stream& stream, const Request& request, urls::url_view url) {
  const auto count = number_in_query(url, "count", 5, 1'000'000);
  const auto time = number_in_query(url, "ms", 200, longest_pause);
  if (!count || !time) {
    co_return co_await refuse_query(stream, request, "count and ms are numbers.");
  }
  BodyWriter body{stream, request, "text/plain; charset=utf-8", std::nullopt};
  bool good = co_await body.head();
  for (std::uint64_t i = 1; good && body.wants_body() && i <= *count; ++i) {
    if (i > 1) {
      co_await pause(stream, Millis{*time});
    }
    const std::string line = "line " + std::to_string(i) + "\n";
    good = co_await body.write(line);
  }
  co_return good&& co_await body.finish();
}

// /events?interval=&count=: Server-Sent Events; without a count, until the client or the program
// goes.
Awaitable<bool> events(Stream& stream, Drain& drain, const Request& request, urls::url_view url) {
  const auto count = number_in_query(url, "count", UINT64_MAX, UINT64_MAX);
  const auto interval = number_in_query(url, "interval", 1000, longest_pause);
  if (!count || !interval) {
    co_return co_await refuse_query(stream, request, "count and interval are numbers.");
  }
  BodyWriter body{stream, request, "text/event-stream", std::nullopt};
  Timer timer{stream.get_executor()};
  const Drain::Hook hook{drain, [&timer] { timer.cancel(); }};
  bool good = co_await body.head();
  for (std::uint64_t i = 1; good && body.wants_body() && i <= *count && !drain.started(); ++i) {
    const std::string event =
        "id: " + std::to_string(i) + "\nevent: tick\ndata: " + std::to_string(i) + "\n\n";
    good = co_await body.write(event);
    if (good && i < *count) {
      timer.expires_after(Millis{*interval});
      co_await timer.async_wait(no_throw);
    }
  }
  co_return good&& co_await body.finish();
}

}  // namespace

bool is_stream(std::string_view path) {
  return path == "/slow" || path == "/bytes" || path == "/stream" || path == "/events";
}

Awaitable<bool> answer_stream(Stream& stream, Drain& drain, const Request& request,
                              urls::url_view url) {
  const std::string_view path = url.encoded_path();
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    Response response =
        refuse(request, http::status::method_not_allowed, "Only GET and HEAD here.");
    response.set(http::field::allow, "GET, HEAD");
    response.keep_alive(request.keep_alive());
    const bool written = co_await write_response(stream, request, response);
    co_return written&& response.keep_alive();
  }
  if (path == "/slow") {
    co_return co_await slow(stream, drain, request, url);
  }
  if (path == "/bytes") {
    co_return co_await bytes(stream, drain, request, url);
  }
  if (path == "/stream") {
    co_return co_await lines(stream, request, url);
  }
  co_return co_await events(stream, drain, request, url);
}

Awaitable<bool> write_response(Stream& stream, const Request& request, const Response& response) {
  http::response_serializer<http::string_body> serializer{response};
  stream.expires_after(write_timeout);
  if (request.method() == http::verb::head) {
    auto [error, written] = co_await http::async_write_header(stream, serializer, no_throw);
    co_return !error;
  }
  auto [error, written] = co_await http::async_write(stream, serializer, no_throw);
  co_return !error;
}

}  // namespace keepsake::demo
