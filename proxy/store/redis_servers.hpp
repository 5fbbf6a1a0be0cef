#pragma once
// The redis of one configuration, as one worker reaches it. Called by redis_store and by the
// worker. Never blocks, never asks the DNS: the worker is told the addresses of names.

#include <string>
#include <string_view>
#include <vector>

#include "base/asio.hpp"
#include "base/task.hpp"
#include "config/config.hpp"
#include "store/redis_protocol.hpp"
#include "store/store_health.hpp"

namespace keepsake {

class RedisServers {
 public:
  virtual ~RedisServers() = default;

  virtual const RedisConfig& config() const = 0;

  // Sends one whole command about `key` (empty: about none). Null: it could not be asked, or did
  // not answer within session.redis.timeout. An error reply is a reply.
  virtual Task<RedisReply> call(std::string_view command, std::string_view key) = 0;

  // Logs an error reply with its remedy, counts it, and remembers it for /readyz.
  virtual void report_refusal(std::string_view text) = 0;
  virtual void report(StoreTrouble trouble, std::string_view text) = 0;

  // What the name of the server at `url` (redis_server) means now.
  virtual void set_endpoints(const std::string& url, const std::vector<Endpoint>& endpoints) = 0;

  // The end: what waits fails, and nothing is left in the io_context.
  virtual void stop() = 0;
};

}  // namespace keepsake
