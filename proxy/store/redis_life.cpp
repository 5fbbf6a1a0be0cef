// One connection after the other, each from its first byte to its last; see redis_core.hpp.

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "store/redis_core.hpp"

namespace keepsake {

namespace {

// Between attempts to connect; each is doubled and then cut by up to a half, so that many proxies
// do not knock at the same moment.
constexpr Millis kFirstRest{50};
constexpr Millis kLongestRest{2000};
// A connection that lived as long was good, and so was one that was left so long after another: the
// next attempt follows at once.
constexpr std::chrono::seconds kGoodLife{1};

}  // namespace

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
      endpoint_ = endpoint;
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
  const IoStatus status = co_await stream_->write(config_.timeout, greeting_.commands);
  for (std::size_t i = 0; i < greeting_.replies; ++i) {
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
    const std::string_view text = redis_text(*reply);
    if (reply->type == REDIS_REPLY_ERROR &&
        (i < greeting_.required || !is_optional_refusal(text))) {
      report(classify_redis_error(text), text);
      co_return false;
    }
    if (i == greeting_.required && redis_role(*reply).in_cluster) {
      report(StoreTrouble::Cluster, "HELLO says that this server is part of a cluster");
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
  sent_ = queue_.size();
  flush();
  while (!stopped_ && (state_ != State::Leaving || sent_ != 0)) {
    RedisReply reply = co_await read_reply();
    if (!reply || sent_ == 0) {
      break;
    }
    --sent_;
    queue_.answer(std::move(reply));
  }
  up_ = false;
  context_.health.down();
  if (state_ == State::Leaving) {
    const SteadyTime last = std::exchange(last_leave_, now());
    co_return last_leave_ - last >= kGoodLife;
  }
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
    const bool left = self->state_ == State::Leaving && self->sent_ == 0;
    self->sent_ = 0;
    self->state_ = good ? State::Connecting : State::Resting;
    if (self->stream_) {
      self->stream_->interrupt();
    }
    if (self->writing_) {
      co_await self->written_;
    }
    self->out_.clear();
    self->stream_.reset();
    if (!left || !good) {
      self->queue_.fail_all(self->now());
    }
    if (good) {
      self->failed_attempts_ = 0;
    } else if (!self->stopped_) {
      self->rest_timer_.expires_after(self->next_rest());
      TimerWait rest{self->rest_timer_};
      co_await rest;
    }
  }
}

}  // namespace keepsake
