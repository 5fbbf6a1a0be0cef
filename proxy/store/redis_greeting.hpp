#pragma once
// Where Redis is, for the connection, the resolver and the log, and what a new connection says to
// it first.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "store/redis_protocol.hpp"

namespace keepsake {

SocketAddress redis_address(const RedisConfig& config);

// Its url is its name in logs: without user and password.
ServerConfig redis_server(const RedisConfig& config);

// The servers that the configuration names: that one, or the Sentinels, or the first to be asked of
// a cluster. What their names mean the resolver has to find out.
std::vector<ServerConfig> redis_named_servers(const RedisConfig& config);

// AUTH and SELECT, HELLO, and the scripts, all at once: a new connection costs two round trips.
// What follows `required` may be refused by an access list or be unknown to an old server.
struct RedisGreeting {
  std::string commands;
  std::size_t required = 0;  // replies that must be good
  std::size_t about = 0;     // then so many that say what the server is
  std::size_t replies = 0;   // in all
};
RedisGreeting redis_greeting(const RedisConfig& config);
bool is_optional_refusal(std::string_view text);

// What the reply of HELLO or of ROLE says of the server; all false if it does not say.
struct RedisRole {
  bool replica = false;
  bool in_cluster = false;
};
RedisRole redis_role(const redisReply& reply);

// What a Sentinel is asked, and where its last reply says that the master is.
RedisGreeting sentinel_question(const RedisConfig& config);
std::optional<RedisServer> master_of(const redisReply& reply);

}  // namespace keepsake
