// One connection after the other, each from its first byte to its last; see redis_core.hpp.

#include <algorithm>
#include <utility>

#include "io/log.hpp"
#include "io/tls.hpp"
#include "io/tls_backend.hpp"
#include "store/redis_core.hpp"

namespace keepsake {

namespace {

// A connection that lived as long was good, and so was one that was left so long after another: the
// next attempt follows at once.
constexpr std::chrono::seconds kGoodLife{1};

}  // namespace

Task<RedisReply> RedisConnection::Core::read_reply() {
  while (reader_) {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
      break;
    }
    if (reply != nullptr) {
      co_return RedisReply{static_cast<redisReply*>(reply)};
    }
    const IoResult read =
        co_await stream_->read_some(buffer_.data(), buffer_.size(), SteadyTime::max());
    if (read.status != IoStatus::Ok ||
        redisReaderFeed(reader_.get(), buffer_.data(), read.bytes) != REDIS_OK) {
      break;
    }
  }
  co_return nullptr;
}

// Each attempt to reach a server has its own time; callers have theirs.
void RedisConnection::Core::begin_attempt(const Self& self) {
  silent_ = false;
  attempt_deadline_ = now() + config_.timeout;
  watch(self);
}

// Connects to the first of these that can be connected to, and makes it TLS. False: why_, trouble_.
Task<bool> RedisConnection::Core::open(std::vector<Endpoint> endpoints, std::size_t first,
                                       std::string name, std::shared_ptr<const TlsBackend> tls) {
  trouble_ = StoreTrouble::Unreachable;
  why_ = "its name has no address";
  for (std::size_t i = 0; i < endpoints.size() && !stopped_ && !silent_; ++i) {
    const Endpoint& endpoint = endpoints[(first + i) % endpoints.size()];
    stream_ = std::make_unique<Stream>(context_.io, context_.streams);
    const error_code error = co_await stream_->connect(endpoint, SteadyTime::max());
    if (error) {
      why_ = "cannot connect: " + error.message();
      continue;
    }
    endpoint_ = endpoint;
    if (endpoint.protocol().family() != AF_UNIX) {
      tune_tcp(stream_->fd());
      error_code ignored;
      stream_->socket().set_option(asio::socket_base::keep_alive(true), ignored);
    }
    if (!tls) {
      co_return true;
    }
    tls_session_.begin_epoch();
    tls_generation_ = tls->generation();
    std::unique_ptr<Tls> secure = tls->connect(stream_->fd(), name, tls_session_);
    std::string why = "there is nothing to verify it by";
    if (secure && co_await stream_->handshake(secure, SteadyTime::max(), why) == IoStatus::Ok) {
      co_return true;
    }
    trouble_ = StoreTrouble::Tls;
    why_ = "no TLS: " + (silent_ ? std::string{"connected, but there is no answer in time"} : why);
  }
  if (silent_ && !endpoints.empty() && trouble_ != StoreTrouble::Tls) {
    why_ = "cannot connect: no answer in time";
  }
  co_return false;
}

Task<bool> RedisConnection::Core::connect(Self self) {
  begin_attempt(self);
  if (!sentinels_.empty() && !co_await find_master(self)) {
    co_return false;
  }
  if (endpoints_.empty()) {
    co_await addresses_;
  }
  const bool named = config_.tls && !config_.tls->server_name.empty();
  std::string name = named ? config_.tls->server_name : host_;
  if (co_await open(endpoints_, next_endpoint_, std::move(name), context_.tls)) {
    co_return true;
  }
  report(trouble_, why_);
  co_return false;
}

bool RedisConnection::Core::accepts(const RedisGreeting& greeting, std::size_t index,
                                    const redisReply& reply) {
  const std::string_view text = redis_text(reply);
  if (reply.type == REDIS_REPLY_ERROR) {
    if (index >= greeting.required && is_optional_refusal(text)) {
      return true;
    }
    report(classify_redis_error(text), text);
    return false;
  }
  if (index < greeting.required || index >= greeting.required + greeting.about) {
    return true;
  }
  const RedisRole role = redis_role(reply);
  if (role.replica && !sentinels_.empty()) {
    report(StoreTrouble::NoMaster, "the Sentinels name a server that says it is a replica");
    return false;
  }
  if (role.in_cluster && !context_.in_cluster) {
    report(StoreTrouble::Cluster, "HELLO says that this server is part of a cluster");
  }
  return true;
}

Task<bool> RedisConnection::Core::greet() {
  reader_.reset(redisReaderCreate());
  const IoStatus status = co_await stream_->write(config_.timeout, greeting_.commands);
  for (std::size_t i = 0; i < greeting_.replies; ++i) {
    RedisReply reply;
    if (status == IoStatus::Ok) {
      reply = co_await read_reply();
    }
    if (!reply) {
      report(silent_ ? StoreTrouble::Silent : StoreTrouble::Lost,
             silent_ ? "connected, but there is no answer in time"
                     : "the connection broke before it was ready");
      co_return false;
    }
    if (!accepts(greeting_, i, *reply)) {
      co_return false;
    }
  }
  co_return true;
}

// One connection from its first byte to its last; whether it was a good one.
Task<bool> RedisConnection::Core::live(Self self) {
  bool ready = co_await connect(self);
  if (ready) {
    ready = co_await greet();
  }
  attempt_deadline_.reset();
  if (!ready || stopped_) {
    co_return false;
  }
  const SteadyTime since = now();
  up_ = true;
  ++opened_;
  if (!context_.in_cluster) {
    context_.health.set_server(place_);
  }
  if (context_.health.up()) {
    log::info("{}: connected", name_);
  }
  queue_.forgive();
  state_ = State::Ready;
  for (PendingCommand* waiting = queue_.first(); waiting != nullptr; waiting = waiting->next) {
    out_.append(waiting->command);
    waiting->silent_from = since + config_.timeout;
  }
  sent_ = queue_.size();
  flush();
  while (!stopped_ && (state_ != State::Leaving || sent_ != 0)) {
    RedisReply reply = co_await read_reply();
    if (!reply || sent_ == 0) {
      break;
    }
    // The caller goes on inside of answer(), and may ask again.
    sent_ -= queue_.is_last_reply() ? 1U : 0U;
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

Task<void> RedisConnection::Core::run(Self self) {
  while (!self->stopped_) {
    self->state_ = State::Connecting;
    const bool good = co_await self->live(self);
    self->attempt_deadline_.reset();
    const bool left = self->state_ == State::Leaving && self->sent_ == 0;
    self->next_endpoint_ += good || left ? 0U : 1U;  // leave() was for another one already
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
      self->rest_.forgive();
    } else if (!self->stopped_) {
      StoreRest::Wait rest = self->rest_.after_failure();
      co_await rest;
    }
  }
}

}  // namespace keepsake
