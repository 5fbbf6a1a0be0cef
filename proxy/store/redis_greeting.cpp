#include "store/redis_greeting.hpp"

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

RedisGreeting redis_greeting(const RedisConfig& config) {
  RedisGreeting greeting;
  const auto add = [&](std::initializer_list<std::string_view> words) {
    append_redis_command({words.begin(), words.size()}, greeting.commands);
    ++greeting.replies;
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
  greeting.required = greeting.replies;
  add({"HELLO"});
  for (const std::string_view script :
       {kLoadScript, kUseScript, kChangeScript, kBeginScript, kRetireScript, kEndScript}) {
    add({"SCRIPT", "LOAD", script});
  }
  return greeting;
}

bool is_optional_refusal(std::string_view text) {
  return classify_redis_error(text) == StoreTrouble::Forbidden ||
         text.find("unknown command") != std::string_view::npos;
}

RedisRole redis_role(const redisReply& hello) {
  RedisRole role;
  for (std::size_t i = 0; i + 1 < hello.elements; i += 2) {
    const std::string_view what = redis_text(*hello.element[i]);
    const std::string_view said = redis_text(*hello.element[i + 1]);
    role.in_cluster = role.in_cluster || (what == "mode" && said == "cluster");
    role.replica = role.replica || (what == "role" && said != "master");
  }
  return role;
}

}  // namespace keepsake
