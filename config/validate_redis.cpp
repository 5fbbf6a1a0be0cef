// The rules for session.redis.

#include <algorithm>

#include "config/validate.hpp"

namespace keepsake {
namespace {

constexpr std::size_t max_servers = 64;
constexpr std::size_t max_prefix = 64;

void validate_servers(const std::vector<RedisServer>& servers, const std::string& path,
                      Report& report) {
  if (servers.size() > max_servers) {
    report.problem(path, "are more than " + std::to_string(max_servers));
  }
  for (auto server = servers.begin(); server != servers.end(); ++server) {
    if (std::find(servers.begin(), server, *server) != server) {
      report.warning(join_path(path, static_cast<std::size_t>(server - servers.begin())),
                     "this server is in the list already");
    }
  }
}

void validate_login(const std::string& user, const std::string& password, const std::string& path,
                    Report& report) {
  if (!user.empty() && password.empty() && !report.is_bad(path + ".password")) {
    report.problem(path,
                   "username stands without password, expected for example password: {env: "
                   "REDIS_PASSWORD}");
  }
}

}  // namespace

void validate_redis(const RedisConfig& redis, const Environment& environment, Report& report) {
  const std::string path = "session.redis";
  validate_servers(redis.sentinels, path + ".sentinel.servers", report);
  validate_servers(redis.cluster, path + ".cluster.servers", report);
  validate_login(redis.user, redis.password, path, report);
  validate_login(redis.sentinel_user, redis.sentinel_password, path + ".sentinel", report);
  if (redis.tls) {
    validate_tls(*redis.tls, path + ".tls", environment, report);
  }
  if (redis.sentinel_tls) {
    validate_tls(*redis.sentinel_tls, path + ".sentinel.tls", environment, report);
  }
  if (redis.master.empty() && report.has(path + ".sentinel.master")) {
    report.problem(path + ".sentinel.master", "is empty, expected the name of a master");
  }
  if (redis.prefix.empty() || redis.prefix.size() > max_prefix ||
      std::any_of(redis.prefix.begin(), redis.prefix.end(),
                  [](char c) { return c <= 0x20 || c >= 0x7F; })) {
    report.problem(path + ".prefix", "expected 1 to 64 printable ASCII characters without spaces");
  }
  const std::size_t open = redis.prefix.find('{');
  if (!redis.cluster.empty() && open != std::string::npos &&
      redis.prefix.find('}', open) != std::string::npos) {
    report.warning(path + ".prefix",
                   "has {braces}: every session is kept by one and the same server of the cluster");
  }
}

}  // namespace keepsake
