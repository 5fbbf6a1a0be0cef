#include "store/redis_connection.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <optional>

#include "base/log.hpp"
#include "config/wipe.hpp"
#include "store/redis_greeting.hpp"
#include "store/redis_queue.hpp"

namespace keepsake {

namespace {

constexpr std::size_t kReadSize = std::size_t{16} * 1024;
// Between attempts to connect; each is doubled and then cut by up to a half, so that many proxies
// do not knock at the same moment.
constexpr Millis kFirstRest{50};
constexpr Millis kLongestRest{2000};
// A connection that lived as long was good: the next attempt follows at once.
constexpr std::chrono::seconds kGoodLife{1};

}  // namespace

class RedisConnection::Core {
 public:
  Core(const Context& context, const RedisConfig& config, std::vector<Endpoint> endpoints)
      : config_(config),
        context_(context),
        endpoints_(std::move(endpoints)),
        timer_(context.io),
        rest_timer_(context.io),
        buffer_(kReadSize) {
    context_.health.down();
    greeting_replies_ = append_redis_greeting(config_, greeting_);
  }
  ~Core() {
    if (!up_) {
      context_.health.up();
    }
    wipe(config_.password);
    wipe(greeting_);
  }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  static Task<void> run(std::shared_ptr<Core> self);
  Task<RedisReply> call(std::string_view command, std::shared_ptr<Core> self);
  void set_endpoints(std::vector<Endpoint> endpoints);
  void report(StoreTrouble trouble, std::string_view text);
  void report_refusal(std::string_view text);
  void stop();

  const RedisConfig& config() const { return config_; }

 private:
  enum class State : std::uint8_t { Connecting, Ready, Resting };

  struct TimerWait {
    asio::steady_timer& timer;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      timer.async_wait([waiter](const error_code&) { waiter.resume(); });
    }
    void await_resume() const {}
  };

  SteadyTime now() const { return context_.clock.steady(); }
  Task<bool> live();
  Task<bool> connect();
  Task<bool> greet();
  Task<RedisReply> read_reply();
  Task<void> write_out();
  void flush();
  void watch(const std::shared_ptr<Core>& self);
  void check();
  Millis next_rest();

  RedisConfig config_;
  const Context context_;
  std::vector<Endpoint> endpoints_;
  std::size_t next_endpoint_ = 0;
  std::string greeting_;
  std::size_t greeting_replies_ = 0;

  State state_ = State::Connecting;
  bool stopped_ = false;
  bool up_ = false;  // as told to health
  std::unique_ptr<Stream> stream_;
  RedisReader reader_;
  std::optional<SteadyTime> attempt_deadline_;
  bool silent_ = false;  // our timer ended the connection
  unsigned failed_attempts_ = 0;
  Wakeup addresses_;  // live() waits for set_endpoints

  asio::steady_timer timer_;  // for the attempt or for the oldest command, whichever there is
  bool watching_ = false;
  asio::steady_timer rest_timer_;

  RedisQueue queue_;
  std::vector<char> buffer_;
  std::string out_;      // to be sent
  std::string sending_;  // being sent
  bool writing_ = false;
  Wakeup written_;
};

Task<RedisReply> RedisConnection::Core::call(std::string_view command, std::shared_ptr<Core> self) {
  const SteadyTime start = now();
  if (stopped_ || state_ == State::Resting || !queue_.admits(start)) {
    co_return nullptr;
  }
  PendingCommand pending{command, start + config_.timeout};
  queue_.push(pending);
  if (state_ == State::Ready) {
    out_.append(command);
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

Task<RedisReply> RedisConnection::Core::read_reply() {
  while (true) {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
      co_return nullptr;
    }
    if (reply != nullptr) {
      co_return RedisReply{static_cast<redisReply*>(reply)};
    }
    const IoResult read =
        co_await stream_->read_some(buffer_.data(), buffer_.size(), SteadyTime::max());
    if (read.status != IoStatus::Ok ||
        redisReaderFeed(reader_.get(), buffer_.data(), read.bytes) != REDIS_OK) {
      co_return nullptr;
    }
  }
}

// One deadline for whatever there is to wait for, looked at when the oldest is due: a timer costs
// something per timeout, not per command.
void RedisConnection::Core::watch(const std::shared_ptr<Core>& self) {
  if (watching_ || stopped_ || (!attempt_deadline_ && queue_.first() == nullptr)) {
    return;
  }
  watching_ = true;
  const SteadyTime due = attempt_deadline_ ? *attempt_deadline_ : queue_.first()->deadline;
  timer_.expires_after(due - now());
  timer_.async_wait([self](const error_code&) {
    self->watching_ = false;
    self->check();
    self->watch(self);
  });
}

void RedisConnection::Core::check() {
  const bool late = attempt_deadline_ ? *attempt_deadline_ <= now()
                                      : state_ == State::Ready && queue_.first() != nullptr &&
                                            queue_.first()->deadline <= now();
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
  if (!stopped_ && context_.health.may_log(trouble, now())) {
    log::warn("{}: {}; {}", redis_server(config_).url, escape_for_log(text), remedy(trouble));
  }
}

void RedisConnection::Core::report_refusal(std::string_view text) {
  context_.health.refused(now());
  report(classify_redis_error(text), text);
}

Task<bool> RedisConnection::Core::connect() {
  if (endpoints_.empty()) {
    co_await addresses_;
  }
  error_code error;
  const std::vector<Endpoint> endpoints = endpoints_;  // may change while this waits
  for (std::size_t i = 0; i < endpoints.size() && !stopped_ && !silent_; ++i) {
    const Endpoint& endpoint = endpoints[(next_endpoint_ + i) % endpoints.size()];
    stream_ = std::make_unique<Stream>(context_.io, context_.streams);
    error = co_await stream_->connect(endpoint, SteadyTime::max());
    if (!error) {
      if (endpoint.protocol().family() != AF_UNIX) {
        tune_tcp(stream_->fd());
        error_code ignored;
        stream_->socket().set_option(asio::socket_base::keep_alive(true), ignored);
      }
      co_return true;
    }
  }
  ++next_endpoint_;
  const std::string why = endpoints.empty() ? "its name has no address"
                          : silent_         ? "no answer in time"
                                            : error.message();
  report(StoreTrouble::Unreachable, "cannot connect: " + why);
  co_return false;
}

Task<bool> RedisConnection::Core::greet() {
  reader_.reset(redisReaderCreate());
  const IoStatus status = co_await stream_->write(config_.timeout, greeting_);
  for (std::size_t i = 0; i < greeting_replies_; ++i) {
    RedisReply reply;
    if (status == IoStatus::Ok && reader_) {
      reply = co_await read_reply();
    }
    if (!reply) {
      report(silent_ ? StoreTrouble::Silent : StoreTrouble::Lost,
             silent_ ? "connected, but there is no answer in time"
                     : "the connection broke before it was ready");
      co_return false;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
      const std::string_view text = redis_text(*reply);
      report(classify_redis_error(text), text);
      co_return false;
    }
  }
  co_return true;
}

// One connection from its first byte to its last; whether it was a good one.
Task<bool> RedisConnection::Core::live() {
  silent_ = false;
  bool ready = co_await connect();
  if (ready) {
    ready = co_await greet();
  }
  attempt_deadline_.reset();
  if (!ready || stopped_) {
    co_return false;
  }
  const SteadyTime since = now();
  up_ = true;
  if (context_.health.up()) {
    log::info("{}: connected", redis_server(config_).url);
  }
  queue_.forgive();
  state_ = State::Ready;
  for (PendingCommand* waiting = queue_.first(); waiting != nullptr; waiting = waiting->next) {
    out_.append(waiting->command);
  }
  flush();
  while (!stopped_) {
    RedisReply reply = co_await read_reply();
    if (!reply || queue_.first() == nullptr) {
      break;
    }
    queue_.answer(std::move(reply));
  }
  up_ = false;
  context_.health.down();
  report(silent_ ? StoreTrouble::Silent : StoreTrouble::Lost,
         silent_ ? "no answer in time" : "the connection is gone");
  co_return now() - since >= kGoodLife;
}

Millis RedisConnection::Core::next_rest() {
  const Millis whole = std::min(kLongestRest, kFirstRest * (1U << std::min(failed_attempts_, 10U)));
  ++failed_attempts_;
  return whole - whole * static_cast<int>(context_.random.next_u64() % 512) / 1024;
}

Task<void> RedisConnection::Core::run(std::shared_ptr<Core> self) {
  while (!self->stopped_) {
    self->state_ = State::Connecting;
    self->attempt_deadline_ = self->now() + self->config_.timeout;
    self->watch(self);
    const bool good = co_await self->live();
    self->attempt_deadline_.reset();
    self->state_ = good ? State::Connecting : State::Resting;
    if (self->stream_) {
      self->stream_->interrupt();
    }
    if (self->writing_) {
      co_await self->written_;
    }
    self->out_.clear();
    self->stream_.reset();
    self->queue_.fail_all(self->now());
    if (good) {
      self->failed_attempts_ = 0;
    } else if (!self->stopped_) {
      self->rest_timer_.expires_after(self->next_rest());
      TimerWait rest{self->rest_timer_};
      co_await rest;
    }
  }
}

void RedisConnection::Core::set_endpoints(std::vector<Endpoint> endpoints) {
  endpoints_ = std::move(endpoints);
  if (!endpoints_.empty()) {
    addresses_.wake();
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

void RedisConnection::set_endpoints(std::vector<Endpoint> endpoints) {
  core_->set_endpoints(std::move(endpoints));
}

Task<RedisReply> RedisConnection::call(std::string_view command) {
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
