#include "store/redis_connection.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "store/redis_core.hpp"

namespace keepsake {

Task<RedisReply> RedisConnection::Core::call(std::string_view command, std::shared_ptr<Core> self) {
  const SteadyTime start = now();
  if (stopped_ || state_ == State::Resting || !queue_.admits(start)) {
    co_return nullptr;
  }
  PendingCommand pending{command, start + config_.timeout};
  queue_.push(pending);
  if (state_ == State::Ready) {
    out_.append(command);
    ++sent_;
    flush();
  }
  watch(self);
  co_await pending.done;
  co_return std::move(pending.reply);
}

void RedisConnection::Core::flush() {
  if (!writing_ && !out_.empty()) {
    start(write_out());
  }
}

Task<void> RedisConnection::Core::write_out() {
  writing_ = true;
  while (!out_.empty()) {
    sending_.clear();
    std::swap(out_, sending_);
    const IoStatus status = co_await stream_->write(config_.timeout, sending_);
    if (status != IoStatus::Ok) {
      stream_->interrupt();
      out_.clear();
    }
  }
  writing_ = false;
  written_.wake();
}

// One deadline for whatever there is to wait for, looked at when the oldest is due: a timer costs
// something per timeout, not per command.
void RedisConnection::Core::watch(const std::shared_ptr<Core>& self) {
  if (watching_ || stopped_ || (!attempt_deadline_ && queue_.first() == nullptr)) {
    return;
  }
  watching_ = true;
  SteadyTime due = attempt_deadline_.value_or(SteadyTime::max());
  if (queue_.first() != nullptr) {
    due = std::min(due, queue_.first()->deadline);
  }
  timer_.expires_after(due - now());
  timer_.async_wait([self](const error_code&) {
    self->watching_ = false;
    self->check();
    self->watch(self);
  });
}

void RedisConnection::Core::check() {
  if (sent_ == 0) {
    queue_.fail_late(now());
  }
  const bool late = (attempt_deadline_ && *attempt_deadline_ <= now()) ||
                    (sent_ != 0 && queue_.first()->deadline <= now());
  if (!late || stopped_) {
    return;
  }
  attempt_deadline_.reset();
  silent_ = true;
  addresses_.wake();
  if (stream_) {
    stream_->interrupt();
  }
}

void RedisConnection::Core::report(StoreTrouble trouble, std::string_view text) {
  if (!stopped_ && context_.health.note(trouble, now())) {
    log::warn("{}: {}; {}", redis_server(config_).url, escape_for_log(text), remedy(trouble));
  }
}

void RedisConnection::Core::report_refusal(std::string_view text) {
  const StoreTrouble trouble = classify_redis_error(text);
  context_.health.refused(now());
  report(trouble, text);
  if (elsewhere(trouble)) {
    ++next_endpoint_;
    leave();
  }
}

void RedisConnection::Core::leave() {
  if (state_ != State::Ready) {
    return;
  }
  state_ = State::Leaving;
  if (sent_ == 0) {
    stream_->interrupt();
  }
}

// A connection to an address that the name no longer has is given up: the server behind it may not
// know that another one has taken its place.
void RedisConnection::Core::set_endpoints(std::vector<Endpoint> endpoints) {
  endpoints_ = std::move(endpoints);
  if (endpoints_.empty()) {
    return;
  }
  addresses_.wake();
  if (std::find(endpoints_.begin(), endpoints_.end(), endpoint_) == endpoints_.end()) {
    leave();
  }
}

void RedisConnection::Core::stop() {
  stopped_ = true;
  timer_.cancel();
  rest_timer_.cancel();
  if (stream_) {
    stream_->interrupt();
  }
  addresses_.wake();
}

RedisConnection::RedisConnection(const Context& context, const RedisConfig& config,
                                 std::vector<Endpoint> endpoints)
    : core_(std::make_shared<Core>(context, config, std::move(endpoints))) {
  start(Core::run(core_));
}

RedisConnection::~RedisConnection() {
  core_->stop();
}

const RedisConfig& RedisConnection::config() const {
  return core_->config();
}

void RedisConnection::set_endpoints(const std::string& url,
                                    const std::vector<Endpoint>& endpoints) {
  if (url == redis_server(core_->config()).url) {
    core_->set_endpoints(endpoints);
  }
}

Task<RedisReply> RedisConnection::call(std::string_view command, std::string_view /*key*/) {
  return core_->call(command, core_);
}

void RedisConnection::report_refusal(std::string_view text) {
  core_->report_refusal(text);
}

void RedisConnection::report(StoreTrouble trouble, std::string_view text) {
  core_->report(trouble, text);
}

void RedisConnection::stop() {
  core_->stop();
}

}  // namespace keepsake
