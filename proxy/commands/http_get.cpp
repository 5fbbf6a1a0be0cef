#include "commands/http_get.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "io/asio.hpp"

namespace keepsake {
namespace {

namespace http = boost::beast::http;

constexpr std::uint64_t kMaxBody = 64 * 1024 * 1024;

asio::awaitable<bool> connect(Socket& socket, const HttpQuestion& question, error_code& error) {
  auto token = asio::redirect_error(asio::use_awaitable, error);
  if (!question.unix_socket.empty()) {
    const Endpoint endpoint{asio::local::stream_protocol::endpoint{question.unix_socket}};
    co_await socket.async_connect(endpoint, token);
    co_return !error;
  }
  asio::ip::tcp::resolver resolver{socket.get_executor()};
  const auto found = co_await resolver.async_resolve(question.host, question.port, token);
  if (error) {
    co_return false;
  }
  // localhost may be ::1 and 127.0.0.1, and only one of them answer.
  for (const auto& entry : found) {
    error_code ignored;
    socket.close(ignored);
    const Endpoint endpoint{entry.endpoint()};
    co_await socket.async_connect(endpoint, token);
    if (!error) {
      co_return true;
    }
  }
  co_return false;
}

asio::awaitable<void> ask(asio::io_context& io, const HttpQuestion& question, bool want_body,
                          HttpOutcome& outcome) {
  Socket socket{io};
  error_code error;
  const bool connected = co_await connect(socket, question, error);
  if (!connected) {
    outcome.failure = "cannot connect: " + error.message();
    co_return;
  }
  auto token = asio::redirect_error(asio::use_awaitable, error);
  http::request<http::empty_body> request{http::verb::get, question.target, 11};
  request.set(http::field::host, question.authority);
  request.set(http::field::user_agent, question.agent);
  request.set(http::field::accept, "*/*");
  request.set(http::field::connection, "close");
  co_await http::async_write(socket, request, token);
  boost::beast::flat_buffer buffer{64 * 1024};
  http::response_parser<http::string_body> parser;
  parser.header_limit(16 * 1024);
  parser.body_limit(kMaxBody);
  if (!error) {
    co_await http::async_read_header(socket, buffer, parser, token);
  }
  if (!error && want_body) {
    co_await http::async_read(socket, buffer, parser, token);
  }
  if (error) {
    outcome.failure = "no HTTP answer: " + error.message();
    co_return;
  }
  outcome.status = parser.get().result_int();
  outcome.reason = parser.get().reason();
  outcome.body = std::move(parser.get().body());
  outcome.failure.clear();
}

}  // namespace

std::optional<HttpQuestion> parse_http_url(std::string_view text, std::string_view who,
                                           std::string& error) {
  const auto url = boost::urls::parse_uri(text);
  if (!url || url->host().empty()) {
    error = "is no URL, expected for example http://127.0.0.1:8080/healthz";
    return std::nullopt;
  }
  if (url->scheme() != "http") {
    error = "begins with " + std::string{url->scheme()} + "://, and " + std::string{who} +
            " speaks plain http only: ask the admin listener or a plain one";
    return std::nullopt;
  }
  if (url->has_userinfo()) {
    error = "has a user or password, which " + std::string{who} + " does not send";
    return std::nullopt;
  }
  HttpQuestion question;
  question.authority = url->encoded_host_and_port();
  question.host =
      url->host_type() == boost::urls::host_type::ipv6 ? url->host_address() : url->host_name();
  if (question.host.empty()) {
    question.host = url->host_address();
  }
  question.port = url->has_port() ? std::string{url->port()} : "80";
  question.target = url->encoded_target();
  if (!question.target.starts_with('/')) {
    question.target.insert(0, "/");
  }
  question.agent = "keepsake-" + std::string{who} + "/" KEEPSAKE_VERSION;
  return question;
}

HttpOutcome http_get(const HttpQuestion& question, std::chrono::milliseconds timeout,
                     bool want_body) {
  HttpOutcome outcome;
  asio::io_context io{1};
  asio::co_spawn(io, ask(io, question, want_body, outcome), asio::detached);
  io.run_for(timeout);
  return outcome;
}

}  // namespace keepsake
