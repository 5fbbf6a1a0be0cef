// session.redis: of the configuration.

#include "config/load_parts.hpp"

namespace keepsake {
namespace {

constexpr std::uint16_t redis_port = 6379;
constexpr std::uint16_t sentinel_port = 26379;

// "host", "host:port" or "[v6]:port"; false with `error`.
bool parse_server(std::string place, std::uint16_t usual_port, RedisServer& server,
                  std::string& error) {
  const std::size_t close = place.rfind(']');
  if (place.find(':', close == std::string::npos ? 0 : close) == std::string::npos) {
    place += ":" + std::to_string(usual_port);
  }
  const auto address = parse_socket_address(place, error);
  if (!address) {
    return false;
  }
  if (address->kind == SocketAddress::Kind::Unix) {
    error = "expected host:port, for the servers name each other so";
    return false;
  }
  if (address->port == 0) {
    error = "nothing can be reached at port 0";
    return false;
  }
  server = {address->host, address->port};
  return true;
}

void load_servers(const Value& value, std::uint16_t usual_port, std::vector<RedisServer>& servers) {
  for (const Value& item : value.items("servers, as in [redis-1, \"redis-2:7000\"]")) {
    std::string error;
    const auto text = item.text("a server, as in redis-1:6379");
    if (text && !parse_server(*text, usual_port, servers.emplace_back(), error)) {
      item.fail(std::move(error));
    }
  }
  if (servers.empty() && value.is_list()) {
    value.fail("names no server");
  }
}

void load_password(const Value& value, std::string& password) {
  Secret secret;
  load_secret(value, false, secret, false);
  password = std::move(secret.text);
  if (password.empty() && !value.reading().report.is_bad(value.path())) {
    value.fail("the password from " + secret.origin + " is empty");
  }
}

// username, password and tls, of redis itself and of its Sentinels.
void load_access(Section& section, std::string& user, std::string& password,
                 std::optional<BackendTls>& tls) {
  if (const auto value = section.find_optional("username")) {
    read(*value, user);
  }
  if (const auto value = section.find_optional("password")) {
    load_password(*value, password);
  }
  if (const auto value = section.find_optional("tls")) {
    load_server_tls(*value, tls.emplace());
  }
}

void load_sentinel(const Value& value, RedisConfig& redis) {
  Section section{value};
  if (const auto servers = section.find("servers")) {
    load_servers(*servers, sentinel_port, redis.sentinels);
  } else if (section.is_map()) {
    section.fail("servers is missing, expected for example servers: [sentinel-1, sentinel-2]");
  }
  section.text("master", redis.master);
  if (section.is_map() && !value.reading().report.has(join_path(value.path(), "master"))) {
    section.fail("master is missing, the name that the Sentinels know it by, as in mymaster");
  }
  load_access(section, redis.sentinel_user, redis.sentinel_password, redis.sentinel_tls);
  section.finish();
}

void load_cluster(const Value& value, RedisConfig& redis) {
  Section section{value};
  if (const auto servers = section.find("servers")) {
    load_servers(*servers, redis_port, redis.cluster);
  } else if (section.is_map()) {
    section.fail("servers is missing, expected for example servers: [redis-1, redis-2]");
  }
  section.finish();
}

}  // namespace

void load_redis(const Value& value, RedisConfig& redis) {
  Section section{value};
  section.duration("timeout", redis.timeout, Millis{1}, Millis{60'000});
  const auto url = section.find("url");
  const auto sentinel = section.find_optional("sentinel");
  const auto cluster = section.find_optional("cluster");
  if (url) {
    std::string error;
    const auto text = url->text("the URL of a redis server, as in redis://127.0.0.1:6379/0");
    if (text && !parse_redis_url(*text, redis, error)) {
      url->fail(std::move(error));
    }
  }
  const bool secure_url = redis.tls.has_value();
  if (sentinel) {
    load_sentinel(*sentinel, redis);
  }
  if (cluster) {
    load_cluster(*cluster, redis);
  }
  load_access(section, redis.user, redis.password, redis.tls);
  section.number("replicas", redis.replicas, 0U, 16U);
  section.text("prefix", redis.prefix);
  section.finish();
  const int places = int{url.has_value()} + int{sentinel.has_value()} + int{cluster.has_value()};
  if (section.is_map() && places != 1) {
    section.fail(places == 0
                     ? "url is missing, expected for example url: \"redis://127.0.0.1:6379/0\" (or "
                       "sentinel or cluster)"
                     : "expected exactly one of url, sentinel and cluster");
  }
  if (url && redis.tls && !secure_url) {
    section.fail("tls is for a rediss:// URL");
  }
}

}  // namespace keepsake
