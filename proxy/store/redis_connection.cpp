#include "store/redis_connection.hpp"

#include <algorithm>
#include <array>

#include "io/endpoint.hpp"
#include "io/log.hpp"
#include "io/tls_backend.hpp"
#include "store/redis_core.hpp"

namespace keepsake {

RedisConnection::Core::Core(const Context& context, const RedisConfig& config)
    : config_(config),
      context_(context),
      timer_(context.io),
      rest_(context.io, context.random),
      greeting_(redis_greeting(config_)),
      between_waits_(context.io, context.random),
      buffer_(std::size_t{16} * 1024) {
  context_.health.down();
  if (config_.sentinels.empty()) {
    name_ = redis_server(config_).url;
    place_ = name_ + ", which session.redis.url names";
    host_ = config_.host;
    endpoints_ = literal_endpoints(redis_address(config_));
  } else {
    name_ = "redis master " + config_.master;
  }
  for (const ServerConfig& server : redis_named_servers(config_)) {
    if (!config_.sentinels.empty()) {
      sentinels_.push_back({server.url, server.address.host, literal_endpoints(server.address)});
    }
  }
}

RedisConnection::Core::~Core() {
  if (!up_) {
    context_.health.up();
  }
  wipe(config_.password);
  wipe(config_.sentinel_password);
  wipe(greeting_.commands);
}

Task<void> RedisConnection::Core::call(PendingCommand& pending, Self self) {
  const SteadyTime start = now();
  if (context_.tls && context_.tls->generation() != tls_generation_) {
    leave();  // what verified this server is no longer what verifies it
  }
  if (stopped_ || state_ == State::Resting || pending.deadline <= start) {
    co_return;
  }
  if (!queue_.admits(start)) {
    if (queue_.is_full()) {
      report(StoreTrouble::Busy, "too many commands wait for it");
    }
    co_return;
  }
  queue_.push(pending, start + config_.timeout);
  if (pending.deadline < watched_) {
    timer_.cancel();
  }
  if (state_ == State::Ready) {
    out_.append(pending.command);
    ++sent_;
    flush();
  }
  watch(self);
  co_await pending.done;
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

// One timer for whatever there is to wait for, set for what is due first: it costs something per
// timeout, not per command.
void RedisConnection::Core::watch(const Self& self) {
  if (watching_ || stopped_ || (!attempt_deadline_ && queue_.first() == nullptr)) {
    return;
  }
  watching_ = true;
  watched_ = std::min(attempt_deadline_.value_or(SteadyTime::max()), queue_.due());
  timer_.expires_after(watched_ - now());
  timer_.async_wait([self](const error_code&) {
    self->watching_ = false;
    self->check();
    self->watch(self);
  });
}

void RedisConnection::Core::check() {
  queue_.fail_late(now(), sent_);
  const bool late = (attempt_deadline_ && *attempt_deadline_ <= now()) ||
                    (sent_ != 0 && queue_.first()->silent_from <= now());
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
    log::warn("{}: {}; {}", name_, escape_for_log(text), remedy(trouble));
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
void RedisConnection::Core::set_endpoints(const std::string& url,
                                          const std::vector<Endpoint>& endpoints) {
  for (Sentinel& sentinel : sentinels_) {
    if (sentinel.url == url) {
      sentinel.endpoints = endpoints;
    }
  }
  if (url != name_ || endpoints.empty()) {
    return;
  }
  endpoints_ = endpoints;
  addresses_.wake();
  if (std::find(endpoints_.begin(), endpoints_.end(), endpoint_) == endpoints_.end()) {
    leave();
  }
}

void RedisConnection::Core::stop() {
  stopped_ = true;
  timer_.cancel();
  rest_.cancel();
  between_waits_.cancel();
  if (stream_) {
    stream_->interrupt();
  }
  addresses_.wake();
}

RedisConnection::RedisConnection(const Context& context, const RedisConfig& config)
    : core_(std::make_shared<Core>(context, config)) {
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
  core_->set_endpoints(url, endpoints);
}

SteadyTime RedisConnection::deadline() const {
  return core_->now() + core_->config().timeout;
}

Task<RedisReply> RedisConnection::call(std::string_view command, std::string_view /*key*/,
                                       RedisCall kind, SteadyTime deadline) {
  PendingCommand pending{command, deadline};
  co_await ask(pending, kind);
  co_return std::move(pending.reply);
}

Task<RedisReply> RedisConnection::call_asking(std::string_view command, RedisCall kind,
                                              SteadyTime deadline) {
  const std::array<std::string_view, 1> asking{"ASKING"};
  std::string both;
  append_redis_command(asking, both);
  both.append(command);
  PendingCommand pending{both, deadline, 2};
  co_await ask(pending, kind);
  co_return std::move(pending.second);
}

Task<RedisReply> RedisConnection::call_share(std::size_t /*share*/, std::string_view command) {
  PendingCommand pending{command, deadline()};
  co_await core_->call(pending, core_);
  co_return std::move(pending.reply);
}

// A write that the replicas do not have gets no reply.
Task<void> RedisConnection::ask(PendingCommand& pending, RedisCall kind) {
  const std::shared_ptr<Core> core = core_;
  if (kind == RedisCall::Read || core->config().replicas == 0) {
    co_await core->call(pending, core);
    co_return;
  }
  if (!core->admits_write()) {
    co_return;
  }
  co_await core->call(pending, core);
  RedisReply& reply = pending.replies == 2 ? pending.second : pending.reply;
  if (reply && reply->type != REDIS_REPLY_ERROR &&
      !co_await core->is_replicated(pending.deadline, core)) {
    reply.reset();
  }
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
