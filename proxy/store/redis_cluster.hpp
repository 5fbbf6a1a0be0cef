#pragma once
// A Redis Cluster, as one worker reaches it: one connection to each server that it has asked
// something, and what is known of where each key is. Redirections are followed and remembered; when
// a server cannot be asked, the others are asked for the slots anew.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "store/redis_connection.hpp"
#include "store/redis_slots.hpp"

namespace keepsake {

class RedisCluster final : public RedisServers {
 public:
  RedisCluster(const RedisConnection::Context& context, const RedisConfig& config);
  ~RedisCluster() override;
  RedisCluster(const RedisCluster&) = delete;
  RedisCluster& operator=(const RedisCluster&) = delete;

  const RedisConfig& config() const override;
  SteadyTime deadline() const override;
  Task<RedisReply> call(std::string_view command, std::string_view key, RedisCall kind,
                        SteadyTime deadline) override;
  std::size_t shares() const override;
  Task<RedisReply> call_share(std::size_t share, std::string_view command) override;
  void report_refusal(std::string_view text) override;
  void report(StoreTrouble trouble, std::string_view text) override;
  void set_endpoints(const std::string& url, const std::vector<Endpoint>& endpoints) override;
  void stop() override;

 private:
  class Core;
  std::shared_ptr<Core> core_;  // lives on until its coroutines are done
};

}  // namespace keepsake
