#pragma once
// Where Redis is, for the connection, the resolver and the log, and what a new connection says to
// it first.

#include <cstddef>
#include <string>

#include "config/config.hpp"

namespace keepsake {

SocketAddress redis_address(const RedisConfig& config);

// Its url is its name in logs: without user and password.
ServerConfig redis_server(const RedisConfig& config);

// AUTH, SELECT and the scripts, all at once: a new connection costs two round trips. Returns how
// many replies there will be.
std::size_t append_redis_greeting(const RedisConfig& config, std::string& out);

}  // namespace keepsake
