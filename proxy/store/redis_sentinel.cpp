// Which server is the master: asked of the Sentinels before each connection, in any order, some of
// them down. A part of redis_core.hpp.

#include "io/endpoint.hpp"
#include "store/redis_core.hpp"

namespace keepsake {

// Sets where to connect to. The Sentinel that answered is the first to be asked next time.
Task<bool> RedisConnection::Core::find_master(Self self) {
  std::string why;
  for (std::size_t i = 0; i < sentinels_.size() && !stopped_; ++i) {
    const std::size_t index = (next_sentinel_ + i) % sentinels_.size();
    begin_attempt(self);
    if (co_await ask_sentinel(index)) {
      next_sentinel_ = index;
      begin_attempt(self);
      co_return true;
    }
    why.append(why.empty() ? "" : ", ").append(sentinels_[index].url).append(": ").append(why_);
  }
  next_sentinel_ = (next_sentinel_ + 1) % sentinels_.size();
  report(StoreTrouble::NoMaster, "no Sentinel says where it is (" + why + ")");
  co_return false;
}

// A name is looked up; the addresses may come later.
void RedisConnection::Core::use_master(const RedisServer& master, const std::string& sentinel) {
  SocketAddress address;
  address.host = host_ = master.host;
  address.port = master.port;
  name_ = (config_.tls ? "rediss://" : "redis://") + address.to_string();
  place_ =
      name_ + ", the master of " + config_.master + " as the Sentinel at " + sentinel + " says";
  endpoints_ = literal_endpoints(address);
  if (endpoints_.empty() && context_.look_up) {
    endpoints_ = context_.look_up({name_, address, false});
  }
}

Task<bool> RedisConnection::Core::ask_sentinel(std::size_t index) {
  const Sentinel sentinel = sentinels_[index];
  const std::optional<BackendTls>& tls = config_.sentinel_tls;
  std::string name = tls && !tls->server_name.empty() ? tls->server_name : sentinel.host;
  if (!co_await open(sentinel.endpoints, 0, std::move(name), context_.sentinel_tls)) {
    co_return false;
  }
  RedisGreeting question = sentinel_question(config_);
  reader_.reset(redisReaderCreate());
  const IoStatus status = co_await stream_->write(config_.timeout, question.commands);
  wipe(question.commands);
  RedisReply reply;
  for (std::size_t i = 0; i < question.replies && status == IoStatus::Ok; ++i) {
    reply = co_await read_reply();
    if (!reply || reply->type == REDIS_REPLY_ERROR) {
      break;
    }
  }
  if (!reply) {
    why_ = silent_ ? "no answer in time" : "it broke off";
    co_return false;
  }
  if (reply->type == REDIS_REPLY_ERROR) {
    why_ = redis_text(*reply);
    co_return false;
  }
  const std::optional<RedisServer> master = master_of(*reply);
  if (!master) {
    why_ = "it knows no master of the name " + config_.master;
    co_return false;
  }
  use_master(*master, sentinel.url);
  co_return true;
}

}  // namespace keepsake
