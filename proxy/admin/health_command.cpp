#include "admin/health_command.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <iostream>
#include <optional>

#include "admin/exit_code.hpp"
#include "base/asio.hpp"
#include "config/units.hpp"

namespace keepsake {
namespace {

namespace http = boost::beast::http;

struct Question {
  std::string authority, host, port, target, unix_socket;
};

struct Outcome {
  std::string failure = "no answer in time";
  unsigned status = 0;
  std::string reason;
};

std::optional<Question> parse(const HealthOptions& options, std::string& error) {
  const auto url = boost::urls::parse_uri(options.url);
  if (!url || url->host().empty()) {
    error = "is no URL, expected for example http://127.0.0.1:8080/healthz";
    return std::nullopt;
  }
  if (url->scheme() != "http") {
    error = "begins with " + std::string{url->scheme()} +
            "://, and health speaks plain http only: ask the admin listener or a plain one";
    return std::nullopt;
  }
  if (url->has_userinfo()) {
    error = "has a user or password, which health does not send";
    return std::nullopt;
  }
  Question question;
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
  question.unix_socket = options.unix_socket;
  return question;
}

asio::awaitable<bool> connect(Socket& socket, const Question& question, error_code& error) {
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

asio::awaitable<void> ask(asio::io_context& io, const Question& question, Outcome& outcome) {
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
  request.set(http::field::user_agent, "keepsake-health/" KEEPSAKE_VERSION);
  request.set(http::field::accept, "*/*");
  request.set(http::field::connection, "close");
  co_await http::async_write(socket, request, token);
  boost::beast::flat_buffer buffer{64 * 1024};
  http::response_parser<http::empty_body> parser;
  parser.header_limit(16 * 1024);
  if (!error) {
    co_await http::async_read_header(socket, buffer, parser, token);
  }
  if (error) {
    outcome.failure = "no HTTP answer: " + error.message();
    co_return;
  }
  outcome.status = parser.get().result_int();
  outcome.reason = parser.get().reason();
  outcome.failure.clear();
}

}  // namespace

int health_command(const HealthOptions& options) {
  const auto fail = [&](int code, const std::string& what) {
    std::cerr << "keepsake: " << options.url << ' ' << what << '\n';
    return code;
  };
  std::string error;
  const auto question = parse(options, error);
  if (!question) {
    return fail(kWrongInput, error);
  }
  const auto timeout = parse_duration(options.timeout);
  if (!timeout || timeout->count() == 0) {
    std::cerr << "keepsake: --timeout " << options.timeout << " is no duration, as in 5s\n";
    return kWrongInput;
  }
  Outcome outcome;
  asio::io_context io{1};
  asio::co_spawn(io, ask(io, *question, outcome), asio::detached);
  io.run_for(*timeout);
  if (!outcome.failure.empty()) {
    return fail(kFailed, outcome.failure);
  }
  if (outcome.status < 200 || outcome.status > 299) {
    return fail(kFailed, fmt::format("answers {} {}", outcome.status, outcome.reason));
  }
  return kFine;
}

}  // namespace keepsake
