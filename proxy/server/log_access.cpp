#include "server/log_access.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "server/client_address.hpp"
#include "server/exchange.hpp"
#include "server/fail_exchange.hpp"
#include "server/worker.hpp"

namespace keepsake {

namespace {

constexpr std::size_t kFull = 64 * 1024;
constexpr Millis kDelay{100};

// Bytes of the network, safe inside a quoted field of either format.
void append_escaped(std::string_view text, bool json, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text.substr(0, 1024)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      out.push_back(c);
    } else if (json) {
      out.append("\\u00").push_back(kHex[byte >> 4U]);
      out.push_back(kHex[byte & 15U]);
    } else {
      out.append("\\x").push_back(kHex[byte >> 4U]);
      out.push_back(kHex[byte & 15U]);
    }
  }
}

std::string_view value_of(const Exchange& x, FieldId id) {
  const Field* field = x.head_read ? x.work.request.find(id) : nullptr;
  return field == nullptr ? std::string_view{"-"} : field->value;
}

struct Request {
  std::string_view method = "-", target = "-", version = "-";
};

Request request_of(const Exchange& x) {
  if (!x.head_read) {
    return {};
  }
  return {x.work.request.method_text, x.work.request.target,
          x.work.request.minor == 0 ? "HTTP/1.0" : "HTTP/1.1"};
}

unsigned logged_status(const Exchange& x) {
  const bool gone = x.fault == Fault::ClientGone || x.fault == Fault::ClientStalled;
  return gone ? 499 : x.status;
}

// The combined format, then the request id, the backend, the seconds it took and who was at what
// fault.
void append_text(Exchange& x, std::string_view time, double seconds, std::string& out) {
  const Request request = request_of(x);
  out.append(client_text(x)).append(" - - [").append(time).append("] \"");
  append_escaped(request.method, false, out);
  out.push_back(' ');
  append_escaped(request.target, false, out);
  fmt::format_to(std::back_inserter(out), " {}\" {} {} \"", request.version, logged_status(x),
                 x.sent);
  append_escaped(value_of(x, FieldId::Referer), false, out);
  out.append("\" \"");
  append_escaped(value_of(x, FieldId::UserAgent), false, out);
  fmt::format_to(std::back_inserter(out), "\" {} {} {:.6f} ", request_id(x),
                 x.balancer == nullptr ? "-" : x.balancer->config().name, seconds);
  if (x.fault == Fault::None) {
    out.append("-\n");
  } else {
    const FaultInfo& info = describe(x.fault);
    out.append(side_text(info.side)).append(":").append(info.word).append("\n");
  }
}

void append_json(Exchange& x, std::string_view time, double seconds, std::string& out) {
  const Request request = request_of(x);
  fmt::format_to(std::back_inserter(out), R"({{"time":"{}","client":"{}","method":")", time,
                 client_text(x));
  append_escaped(request.method, true, out);
  out.append(R"(","target":")");
  append_escaped(request.target, true, out);
  fmt::format_to(std::back_inserter(out), R"(","version":"{}","status":{},"bytes":{},"referer":")",
                 request.version, logged_status(x), x.sent);
  append_escaped(value_of(x, FieldId::Referer), true, out);
  out.append(R"(","user_agent":")");
  append_escaped(value_of(x, FieldId::UserAgent), true, out);
  fmt::format_to(
      std::back_inserter(out),
      R"(","request_id":"{}","backend":"{}","seconds":{:.6f},"fault":"{}","at_fault":"{}"}})"
      "\n",
      request_id(x), x.balancer == nullptr ? "" : x.balancer->config().name, seconds,
      describe(x.fault).word, x.fault == Fault::None ? "none" : side_text(describe(x.fault).side));
}

// Formatted once a second and worker.
const std::string& time_text(Worker& worker, bool json) {
  thread_local std::int64_t second = -1;
  thread_local bool was_json = false;
  thread_local std::string text;
  const std::int64_t now = unix_seconds(worker.clock().wall());
  if (now != second || json != was_json) {
    second = now;
    was_json = json;
    const std::time_t time = now;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    char buffer[64];
    const std::size_t n = std::strftime(
        buffer, sizeof buffer, json ? "%Y-%m-%dT%H:%M:%SZ" : "%d/%b/%Y:%H:%M:%S +0000", &parts);
    text.assign(buffer, n);
  }
  return text;
}

}  // namespace

AccessLog::AccessLog(asio::io_context& io, Metrics& metrics, int fd)
    : timer_(io), metrics_(metrics), first_fd_(fd), fd_(fd) {
  buffer_.reserve(kFull + 8 * 1024);
}

void AccessLog::added() {
  ++lines_;
  if (buffer_.size() >= kFull) {
    flush();
  } else if (!timer_runs_) {
    timer_runs_ = true;
    timer_.expires_after(kDelay);
    timer_.async_wait([this](const error_code& error) {
      timer_runs_ = false;
      if (!error) {
        flush();
      }
    });
  }
}

void AccessLog::write_to(std::shared_ptr<const LogFile> file) {
  flush();
  file_ = std::move(file);
  fd_ = file_ ? file_->fd() : first_fd_;
}

void AccessLog::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    // Standard output may be a pipe that nobody empties: ask before each write, and write no more
    // than a pipe takes whole.
    pollfd ready{fd_, POLLOUT, 0};
    const ssize_t n = ::poll(&ready, 1, 0) == 1
                          ? ::write(fd_, rest.data(), std::min<std::size_t>(rest.size(), 4096))
                          : -1;
    if (n > 0) {
      rest.remove_prefix(static_cast<std::size_t>(n));
    } else if (n == 0 || errno != EINTR) {
      break;
    }
  }
  if (!rest.empty()) {
    if (rest.size() < kFull) {
      // Keep it for the next try; only a full buffer is given up.
      buffer_.erase(0, buffer_.size() - rest.size());
      return;
    }
    metrics_.add(Counter::LogLinesDropped,
                 static_cast<std::uint64_t>(std::count(rest.begin(), rest.end(), '\n')));
  }
  buffer_.clear();
  lines_ = 0;
}

void log_access(Exchange& x) {
  Metrics& metrics = x.worker.metrics();
  metrics.add(Counter::Requests);
  if (x.status >= 100 && x.status < 600) {
    metrics.add(
        static_cast<Counter>(static_cast<unsigned>(Counter::Responses1xx) + x.status / 100 - 1));
  }
  const LogConfig& config = x.view->config().log;
  if (!config.access || (x.status == 0 && !x.head_read)) {
    return;
  }
  Worker& worker = x.worker;
  const double seconds = std::chrono::duration<double>(worker.clock().steady() - x.started).count();
  const bool json = config.format == LogFormat::Json;
  AccessLog& access = worker.access_log();
  if (json) {
    append_json(x, time_text(worker, true), seconds, access.buffer());
  } else {
    append_text(x, time_text(worker, false), seconds, access.buffer());
  }
  access.added();
}

}  // namespace keepsake
