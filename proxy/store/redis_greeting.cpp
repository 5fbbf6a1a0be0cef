#include "store/redis_greeting.hpp"

#include "store/redis_protocol.hpp"
#include "store/redis_scripts.hpp"

namespace keepsake {

SocketAddress redis_address(const RedisConfig& config) {
  SocketAddress address;
  if (config.over_unix) {
    address.kind = SocketAddress::Kind::Unix;
    address.path = config.host;
  } else {
    address.host = config.host;
    address.port = config.port;
  }
  return address;
}

ServerConfig redis_server(const RedisConfig& config) {
  const SocketAddress address = redis_address(config);
  const std::string_view scheme = config.over_unix ? "redis at " : "redis://";
  return {std::string{scheme} + address.to_string(), address, false};
}

std::size_t append_redis_greeting(const RedisConfig& config, std::string& out) {
  std::size_t count = 0;
  const auto add = [&](std::initializer_list<std::string_view> words) {
    append_redis_command({words.begin(), words.size()}, out);
    ++count;
  };
  if (!config.password.empty()) {
    if (config.user.empty()) {
      add({"AUTH", config.password});
    } else {
      add({"AUTH", config.user, config.password});
    }
  }
  if (config.database != 0) {
    add({"SELECT", std::to_string(config.database)});
  }
  add({"SCRIPT", "LOAD", kLoadScript});
  add({"SCRIPT", "LOAD", kChangeScript});
  return count;
}

}  // namespace keepsake
