// session.redis: as dump_config writes it: with stars in place of users and passwords.

#include "config/dump_parts.hpp"
#include "config/units.hpp"

namespace keepsake {
namespace {

constexpr std::string_view hidden = "{env: \"***\"}";

std::string url_text(const RedisConfig& redis) {
  std::string login;
  if (!redis.password.empty()) {
    login = (redis.user.empty() ? "" : "***") + std::string{":***@"};
  }
  const std::string database = std::to_string(redis.database);
  if (redis.over_unix) {
    return yaml_quoted("unix:" + (login.empty() ? "" : "//" + login) + redis.host +
                       "?db=" + database);
  }
  SocketAddress address;
  address.host = redis.host;
  address.port = redis.port;
  return yaml_quoted((redis.tls ? "rediss://" : "redis://") + login + address.to_string() + "/" +
                     database);
}

std::string servers_text(const std::vector<RedisServer>& servers) {
  std::vector<std::string> texts;
  for (const RedisServer& server : servers) {
    SocketAddress address;
    address.host = server.host;
    address.port = server.port;
    texts.push_back(yaml_quoted(address.to_string()));
  }
  return dump_list(texts);
}

void dump_login(int depth, const std::string& user, const std::string& password, YamlWriter& out) {
  if (!user.empty()) {
    out.line(depth, "username", "\"***\"");
  }
  if (!password.empty()) {
    out.line(depth, "password", std::string{hidden});
  }
}

}  // namespace

void dump_redis(const RedisConfig& redis, YamlWriter& out) {
  out.line(1, "redis");
  if (!redis.sentinels.empty()) {
    out.line(2, "sentinel");
    out.line(3, "servers", servers_text(redis.sentinels));
    out.line(3, "master", yaml_scalar(redis.master));
    dump_login(3, redis.sentinel_user, redis.sentinel_password, out);
    if (redis.sentinel_tls) {
      dump_server_tls(3, *redis.sentinel_tls, out);
    }
  } else if (!redis.cluster.empty()) {
    out.line(2, "cluster");
    out.line(3, "servers", servers_text(redis.cluster));
  } else {
    out.line(2, "url", url_text(redis));
  }
  if (!redis.sentinels.empty() || !redis.cluster.empty()) {
    dump_login(2, redis.user, redis.password, out);
  }
  if (redis.tls) {
    dump_server_tls(2, *redis.tls, out);
  }
  out.line(2, "timeout", format_duration(redis.timeout));
  out.line(2, "replicas", std::to_string(redis.replicas));
  out.line(2, "prefix", yaml_quoted(redis.prefix));
}

}  // namespace keepsake
