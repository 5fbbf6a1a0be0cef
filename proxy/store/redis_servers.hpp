#pragma once
// The redis of one configuration, as one worker reaches it. Called by redis_store and by the
// worker. Never blocks, never asks the DNS: the worker is told the addresses of names.

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "config/config.hpp"
#include "io/asio.hpp"
#include "io/task.hpp"
#include "store/redis_protocol.hpp"
#include "store/store_health.hpp"

namespace keepsake {

// Whether session.redis.replicas must have it before it counts.
enum class RedisCall : std::uint8_t { Read, Write };

class RedisServers {
 public:
  virtual ~RedisServers() = default;

  virtual const RedisConfig& config() const = 0;
  // When what begins now has taken too long, however many commands it needs.
  virtual SteadyTime deadline() const = 0;

  // Every server that can be asked to list its keys: one, or all of a cluster that have any.
  virtual std::size_t shares() const { return 1; }
  // As call(), of one of them; about no key.
  virtual Task<RedisReply> call_share(std::size_t share, std::string_view command) = 0;

  // Sends one whole command about `key`. Null: it could not be asked, or did not answer in time. An
  // error reply is a reply.
  virtual Task<RedisReply> call(std::string_view command, std::string_view key, RedisCall kind,
                                SteadyTime deadline) = 0;

  // Logs an error reply with its remedy, counts it, and remembers it for /readyz.
  virtual void report_refusal(std::string_view text) = 0;
  virtual void report(StoreTrouble trouble, std::string_view text) = 0;

  // What the name of a server that the configuration names (redis_named_servers) means now.
  virtual void set_endpoints(const std::string& url, const std::vector<Endpoint>& endpoints) = 0;

  // The end: what waits fails, and nothing is left in the io_context.
  virtual void stop() = 0;
};

}  // namespace keepsake
