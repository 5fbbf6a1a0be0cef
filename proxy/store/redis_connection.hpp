#pragma once
// One worker's connection to Redis: commands of many exchanges go down it one behind the other and
// their replies come back in that order. Connects by itself, again and again, and tells nobody to
// wait for it for longer than session.redis.timeout: a command that cannot be answered in that time
// has failed. Never throws.
//
// Of hiredis only the reply parser is used. Its asynchronous half resolves names while the thread
// waits, and in version 0.14 knows no deadlines; Stream does all of it already.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "config/config.hpp"
#include "io/stream.hpp"
#include "io/task.hpp"
#include "store/redis_servers.hpp"

namespace keepsake {

class TlsBackend;
struct PendingCommand;

class RedisConnection final : public RedisServers {
 public:
  struct Context {
    asio::io_context& io;
    StreamList& streams;
    const Clock& clock;
    Random& random;
    StoreHealth& health;
    std::shared_ptr<const TlsBackend> tls{};  // null: plain
    std::shared_ptr<const TlsBackend> sentinel_tls{};
    // What a name that a server announced means, as far as is known; set_endpoints() says more.
    std::function<std::vector<Endpoint>(const ServerConfig&)> look_up{};
    bool in_cluster = false;  // redirections are understood
  };

  // To the server that `config` names, or its Sentinels; one of a cluster has a RedisCluster.
  RedisConnection(const Context& context, const RedisConfig& config);
  ~RedisConnection() override;
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  const RedisConfig& config() const override;
  SteadyTime deadline() const override;
  Task<RedisReply> call(std::string_view command, std::string_view key, RedisCall kind,
                        SteadyTime deadline) override;
  Task<RedisReply> call_share(std::size_t share, std::string_view command) override;
  // Behind an ASKING.
  Task<RedisReply> call_asking(std::string_view command, RedisCall kind, SteadyTime deadline);
  void report_refusal(std::string_view text) override;
  void report(StoreTrouble trouble, std::string_view text) override;
  void set_endpoints(const std::string& url, const std::vector<Endpoint>& endpoints) override;
  void stop() override;

 private:
  class Core;
  Task<void> ask(PendingCommand& pending, RedisCall kind);
  std::shared_ptr<Core> core_;  // lives on until its coroutines are done
};

}  // namespace keepsake
