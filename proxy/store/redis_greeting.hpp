#pragma once
// Where Redis is, for the connection, the resolver and the log, and what a new connection says to
// it first.

#include <cstddef>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "store/redis_protocol.hpp"

namespace keepsake {

SocketAddress redis_address(const RedisConfig& config);

// Its url is its name in logs: without user and password.
ServerConfig redis_server(const RedisConfig& config);

// AUTH and SELECT, HELLO, and the scripts, all at once: a new connection costs two round trips.
// What follows `required` may be refused by an access list or be unknown to an old server.
struct RedisGreeting {
  std::string commands;
  std::size_t required = 0;  // replies that must be good
  std::size_t replies = 0;   // in all; the first behind the required ones is HELLO's
};
RedisGreeting redis_greeting(const RedisConfig& config);
bool is_optional_refusal(std::string_view text);

// What HELLO's reply says of the server; all false if it does not say.
struct RedisRole {
  bool replica = false;
  bool in_cluster = false;
};
RedisRole redis_role(const redisReply& hello);

}  // namespace keepsake
