#include "admin/admin_listener.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <utility>

#include "admin/admin_hosts.hpp"
#include "admin/metrics_text.hpp"
#include "admin/sessions_page.hpp"
#include "config/dump.hpp"
#include "config/units.hpp"
#include "io/log.hpp"

namespace keepsake {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using AdminStream = beast::basic_stream<asio::generic::stream_protocol, Executor>;

constexpr std::size_t kMaxHead = 8 * 1024;
constexpr std::size_t kMaxConnections = 64;
constexpr std::chrono::seconds kDeadline{15};  // for a request, for a response, between two

// Counts a connection for as long as its coroutine lives. Shared, because frames may outlive the
// listener by a moment when the io_context is destroyed.
struct Guest {
  explicit Guest(std::shared_ptr<std::size_t> open) : count(std::move(open)) { ++*count; }
  ~Guest() { --*count; }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  std::shared_ptr<std::size_t> count;
};

void report_exception(std::exception_ptr thrown) {
  try {
    if (thrown) {
      std::rethrow_exception(thrown);
    }
  } catch (const std::exception& error) {
    log::error("admin listener: {}", error.what());
  }
}

http::response<http::string_body> make_response(const AdminAnswer& answer, unsigned version) {
  http::response<http::string_body> response{static_cast<http::status>(answer.status), version};
  response.set(http::field::content_type, answer.type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  if (!answer.allow.empty()) {
    response.set(http::field::allow, answer.allow);
  }
  if (!answer.challenge.empty()) {
    response.set(http::field::www_authenticate, answer.challenge);
  }
  response.body() = answer.body;
  return response;
}

std::string_view view_of(beast::string_view text) {
  return {text.data(), text.size()};
}

// Whether the query has this name, with or without a value.
bool has_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view parameter = query.substr(0, end);
    if (parameter.substr(0, parameter.find('=')) == name) {
      return true;
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return false;
}

}  // namespace

AdminListener::AdminListener(asio::io_context& io, const Server& server, const Status& status)
    : io_(io), server_(server), status_(status) {}

// The acceptor has a descriptor of its own: it closes what it has.
struct AdminListener::Door {
  Door(asio::io_context& io, const SharedSocket& socket) : acceptor(io) {
    const int fd = ::fcntl(socket->fd(), F_DUPFD_CLOEXEC, 0);
    int family = 0;
    socklen_t size = sizeof family;
    ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
    acceptor.assign(asio::generic::stream_protocol{family, 0}, fd);
  }
  Acceptor acceptor;
};

bool AdminListener::open(const Config& config, InheritedSockets& inherited, std::string& error) {
  const std::optional<SocketAddress>& address = config.admin.address;
  opened_.reset();
  if (!address || (bound_ && bound_->configured == *address)) {
    opened_ = address ? bound_ : std::nullopt;
    return true;
  }
  std::vector<SharedSocket> sockets = inherited.take(*address);
  if (sockets.empty()) {
    Opening opening;
    opening.v6_only = leaves_v4_to_others(*address, config);
    sockets = open_listeners(*address, opening, error);
  }
  if (sockets.empty()) {
    error = fmt::format("cannot listen on {}: {}", address->to_string(), error);
    return false;
  }
  opened_ = Bound{*address, *address, std::move(sockets)};
  if (address->kind == SocketAddress::Kind::Tcp) {
    opened_->address.port = opened_->sockets.front()->port();
  }
  return true;
}

void AdminListener::abandon() {
  if (opened_ && (!bound_ || bound_->sockets != opened_->sockets)) {
    for (const SharedSocket& socket : opened_->sockets) {
      socket->refuse_newcomers();
    }
  }
  opened_.reset();
}

void AdminListener::start() {
  std::optional<Bound> before = std::exchange(bound_, std::exchange(opened_, std::nullopt));
  address_ = bound_ ? std::optional{bound_->address} : std::nullopt;
  if (before && bound_ && before->sockets == bound_->sockets) {
    return;
  }
  if (before) {
    for (const SharedSocket& socket : before->sockets) {
      socket->refuse_newcomers();
    }
    close_doors();
  }
  if (bound_) {
    for (const SharedSocket& socket : bound_->sockets) {
      doors_.push_back(std::make_shared<Door>(io_, socket));
      asio::co_spawn(io_, accept(doors_.back()), report_exception);
    }
  }
}

void AdminListener::close_doors() {
  for (const std::shared_ptr<Door>& door : doors_) {
    error_code ignored;
    door->acceptor.close(ignored);
  }
  doors_.clear();
}

void AdminListener::leave() {
  close_doors();
  bound_.reset();
}

void AdminListener::close() {
  for (const SharedSocket& socket : sockets()) {
    socket->refuse_newcomers();
  }
  leave();
}

asio::awaitable<void> AdminListener::accept(std::shared_ptr<Door> door) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  asio::steady_timer pause{io_};
  for (;;) {
    Socket socket = co_await door->acceptor.async_accept(token);
    if (error == asio::error::operation_aborted || !door->acceptor.is_open()) {
      co_return;
    }
    if (error) {
      // Out of descriptors: those who wait stay in the kernel's queue meanwhile.
      pause.expires_after(Millis{100});
      co_await pause.async_wait(token);
      continue;
    }
    if (*open_ < kMaxConnections) {
      asio::co_spawn(io_, serve(std::move(socket)), report_exception);
    }
  }
}

asio::awaitable<void> AdminListener::serve(Socket socket) {
  const Guest slot{open_};
  AdminStream stream{std::move(socket)};
  beast::flat_buffer buffer{2 * kMaxHead};  // so that header_limit is what is met
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  for (bool again = true; again;) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(kMaxHead);
    stream.expires_after(kDeadline);
    co_await http::async_read_header(stream, buffer, parser, token);
    const auto& request = parser.get();
    AdminAnswer result;
    bool head = false;
    if (!error) {
      head = request.method() == http::verb::head;
      again = request.keep_alive() && parser.is_done();
      const std::string_view target = view_of(request.target());
      const std::size_t mark = std::min(target.find('?'), target.size());
      const SessionsQuestion question{view_of(request.method_string()), target.substr(0, mark),
                                      target.substr(std::min(mark + 1, target.size())),
                                      view_of(request[http::field::authorization])};
      const bool get = head || request.method() == http::verb::get;
      if (!get && request.method() != http::verb::delete_) {
        again = false;  // whatever follows may be its body
      }
      if (std::optional<AdminAnswer> refusal = refuse_host(request)) {
        again = false;
        result = std::move(*refusal);
      } else if (!parser.is_done() && get) {
        result = admin_refusal(400, "a request here has no body");
      } else if (is_sessions_path(question.path) && parser.is_done()) {
        stream.expires_never();  // it has a shorter patience of its own
        result = co_await sessions_page(io_, server_, question);
      } else if (!get) {
        result = admin_refusal(405, "only GET and HEAD are answered here");
        result.allow = "GET, HEAD";
      } else {
        result = page(question.path, question.query, view_of(request[http::field::accept]));
      }
    } else if (error.category() == http::make_error_code(http::error::bad_target).category() &&
               error != http::error::end_of_stream && error != http::error::partial_message) {
      again = false;
      result = admin_refusal(error == http::error::header_limit ? 431 : 400, error.message());
    } else {
      break;
    }
    auto response = make_response(result, error ? 11 : request.version());
    response.keep_alive(again);
    response.prepare_payload();
    stream.expires_after(kDeadline);
    if (head) {
      http::response_serializer<http::string_body> serializer{response};
      co_await http::async_write_header(stream, serializer, token);
    } else {
      co_await http::async_write(stream, response, token);
    }
    if (error) {
      break;
    }
  }
  error_code ignored;
  stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
}

std::optional<AdminAnswer> AdminListener::refuse_host(const Request& request) const {
  if (request.count(http::field::host) > 1) {
    return admin_refusal(400, "more than one Host");
  }
  const auto running = server_.snapshot();
  if (is_admin_host(view_of(request[http::field::host]), running->config.admin.hosts)) {
    return std::nullopt;
  }
  return admin_refusal(403,
                       "this listener does not answer under that name; admin.hosts of the "
                       "configuration adds names");
}

AdminAnswer AdminListener::page(std::string_view path, std::string_view query,
                                std::string_view accept) const {
  AdminAnswer answer;
  if (path == "/healthz") {
    answer.body = "ok\n";
    return answer;
  }
  if (path == "/readyz") {
    return readiness(has_parameter(query, "verbose"));
  }
  if (path == "/metrics") {
    const MetricsFormat format = choose_metrics_format(accept);
    answer.type = content_type(format);
    answer.body = metrics_text(server_, status_, format);
    return answer;
  }
  if (path == "/config") {
    answer.type = "application/yaml";
    answer.body = dump_config(server_.snapshot()->config);
    return answer;
  }
  return admin_refusal(
      404, "not found; here are /healthz, /readyz (?verbose), /metrics, /config and /sessions");
}

AdminAnswer AdminListener::readiness(bool verbose) const {
  AdminAnswer result;
  const SessionConfig& session = server_.snapshot()->config.session;
  const bool degraded = session.store == SessionStoreKind::Redis && server_.store_degraded();
  const bool refusing = degraded && session.on_store_error == OnStoreError::Refuse;
  result.status = status_.draining || refusing ? 503 : 200;
  result.body = status_.draining ? "draining\n" : degraded ? "degraded: store\n" : "ready\n";
  if (!verbose) {
    return result;
  }
  std::string& out = result.body;
  if (session.store == SessionStoreKind::Redis) {
    const std::string server = server_.store_health().server();
    out += "store: " + (server.empty() ? "none has been reached yet" : server) + "\n";
  }
  out += fmt::format("version: {}\n", KEEPSAKE_VERSION);
  out += fmt::format("started: {}\n", format_date(status_.started));
  out += fmt::format("connections: {}\n", server_.connections());
  out += fmt::format("configuration: {}, loaded {}\n", status_.config_file,
                     format_date(status_.loaded));
  if (status_.watched_files != 0) {
    out += fmt::format("watched files: {}\n", status_.watched_files);
  }
  out +=
      fmt::format("reloads: {} done, {} refused\n", status_.reloads_done, status_.reloads_refused);
  if (!status_.refusal.empty()) {
    out += fmt::format("last reload: refused {}\n", format_date(status_.refused_at));
    for (const std::string& problem : status_.refusal) {
      out += "  " + problem + "\n";
    }
  }
  for (const std::string& key : status_.needs_restart) {
    out += "needs a restart: " + key + "\n";
  }
  return result;
}

}  // namespace keepsake
