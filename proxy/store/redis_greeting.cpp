#include "store/redis_greeting.hpp"

#include <charconv>

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
  const std::string_view scheme = config.over_unix ? "redis at "
                                  : config.tls     ? "rediss://"
                                                   : "redis://";
  return {std::string{scheme} + address.to_string(), address, false};
}

std::vector<ServerConfig> redis_named_servers(const RedisConfig& config) {
  if (config.sentinels.empty() && config.cluster.empty()) {
    return {redis_server(config)};
  }
  std::vector<ServerConfig> servers;
  for (const RedisServer& named : config.sentinels.empty() ? config.cluster : config.sentinels) {
    RedisConfig one;
    one.host = named.host;
    one.port = named.port;
    one.tls = config.sentinels.empty() ? config.tls : config.sentinel_tls;
    servers.push_back(redis_server(one));
  }
  return servers;
}

namespace {

void add(RedisGreeting& greeting, std::initializer_list<std::string_view> words) {
  append_redis_command({words.begin(), words.size()}, greeting.commands);
  ++greeting.replies;
}

void add_login(RedisGreeting& greeting, const std::string& user, const std::string& password) {
  if (password.empty()) {
    return;
  }
  if (user.empty()) {
    add(greeting, {"AUTH", password});
  } else {
    add(greeting, {"AUTH", user, password});
  }
}

}  // namespace

RedisGreeting redis_greeting(const RedisConfig& config) {
  RedisGreeting greeting;
  add_login(greeting, config.user, config.password);
  if (config.database != 0) {
    add(greeting, {"SELECT", std::to_string(config.database)});
  }
  greeting.required = greeting.replies;
  add(greeting, {"HELLO"});
  if (!config.sentinels.empty()) {
    add(greeting, {"ROLE"});
  }
  greeting.about = greeting.replies - greeting.required;
  for (const std::string_view script :
       {kLoadScript, kUseScript, kChangeScript, kBeginScript, kRetireScript, kEndScript}) {
    add(greeting, {"SCRIPT", "LOAD", script});
  }
  return greeting;
}

RedisGreeting sentinel_question(const RedisConfig& config) {
  RedisGreeting question;
  add_login(question, config.sentinel_user, config.sentinel_password);
  add(question, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", config.master});
  return question;
}

std::optional<RedisServer> master_of(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 2) {
    return std::nullopt;
  }
  RedisServer server{std::string{redis_text(*reply.element[0])}, 0};
  const std::string_view port = redis_text(*reply.element[1]);
  const auto [stop, error] = std::from_chars(port.data(), port.data() + port.size(), server.port);
  return error == std::errc{} && stop == port.data() + port.size() && server.port != 0 &&
                 !server.host.empty()
             ? std::optional{server}
             : std::nullopt;
}

bool is_optional_refusal(std::string_view text) {
  return classify_redis_error(text) == StoreTrouble::Forbidden ||
         text.find("unknown command") != std::string_view::npos;
}

RedisRole redis_role(const redisReply& reply) {
  RedisRole role;
  // ROLE: an array that begins with its word. HELLO: names and values in turn.
  role.replica = reply.elements != 0 && redis_text(*reply.element[0]) == "slave";
  for (std::size_t i = 0; i + 1 < reply.elements; i += 2) {
    const std::string_view what = redis_text(*reply.element[i]);
    const std::string_view said = redis_text(*reply.element[i + 1]);
    role.in_cluster = role.in_cluster || (what == "mode" && said == "cluster");
    role.replica = role.replica || (what == "role" && said != "master");
  }
  return role;
}

}  // namespace keepsake
