#include "exchange/log_access.hpp"

#include <algorithm>

#include "exchange/access_line.hpp"
#include "exchange/count_exchange.hpp"
#include "exchange/exchange.hpp"
#include "exchange/services.hpp"
#include "io/log_writer.hpp"

namespace keepsake {

namespace {

constexpr std::size_t kFull = 64 * 1024;
constexpr Millis kDelay{100};

}  // namespace

AccessLog::AccessLog(asio::io_context& io, Metrics& metrics, LogWriter& writer, int fd)
    : timer_(io), metrics_(metrics), writer_(writer), first_fd_(fd), fd_(fd) {
  buffer_.reserve(kFull + 8 * 1024);
}

void AccessLog::added() {
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

void AccessLog::finish() {
  flush();
  if (buffer_.empty()) {
    timer_.cancel();  // else the writer gets its time
  }
}

void AccessLog::write_to(std::shared_ptr<const LogFile> file) {
  flush();
  file_ = std::move(file);
  fd_ = file_ ? file_->fd() : first_fd_;
}

// What the writer does not take waits for the next try; only a full buffer is given up.
void AccessLog::flush() {
  if (buffer_.empty() || writer_.take(buffer_, fd_, file_)) {
    return;
  }
  if (buffer_.size() >= kFull) {
    metrics_.add(Counter::LogLinesDropped,
                 static_cast<std::uint64_t>(std::count(buffer_.begin(), buffer_.end(), '\n')));
    buffer_.clear();
  }
}

void log_access(Exchange& x) {
  if (x.status == 0 && !x.head_read) {
    return;  // they went before they had asked for anything
  }
  Services& services = x.services;
  const SteadyTime ended = services.clock().steady();
  count_exchange(x, ended);
  const LogConfig& config = x.view->config().log;
  if (!config.access) {
    return;
  }
  AccessLog& access = services.access_log();
  append_access_line(x, config, ended, access.buffer());
  access.added();
}

}  // namespace keepsake
