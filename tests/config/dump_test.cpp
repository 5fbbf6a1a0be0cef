#include "config/dump.hpp"

#include "support/catch.hpp"
#include "world.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

constexpr std::string_view everything = R"(
listen:
  - {address: "[::1]:8443", proxy_protocol: true, tls: {certificate: /etc/tls.crt, key: /etc/tls.key}}
  - {address: "unix:/run/keepsake.sock"}
workers: 3
headers_with_underscore: drop
trusted_proxies: [10.0.0.0/8, "2001:db8::/32", 192.0.2.1, "::/0"]
backends:
  app:
    servers: [http://127.0.0.1:8081, "https://[::1]:8443", "unix:/run/app.sock"]
    balance: session_hash
    host: "app.example.com:81"
    writes_session: true
    assertion: {secret: {env: ASSERTION_KEY}}
    keepalive: {idle: 3, idle_timeout: 1500ms}
    retry: {attempts: 3}
    health_check: {path: /up, interval: 7s, timeout: 300ms, healthy: 4, unhealthy: 5}
    ejection: {failures: 6, for: 90s}
  "other-1": {servers: [http://other], host: backend}
routes:
  - {path: /setName, host: Example.com, set: {myName: name, "my key": "a: $${b}"}, methods: [PUT], redirect: /done}
  - {path: /reset, clear: true}
  - {path: "/static/*", backend: other-1, session: false, methods: [GET, M-SEARCH]}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}, {file: /run/secrets/good}]
  store: redis
  redis: {url: "redis://127.0.0.1:6380/4", timeout: 1s}
  on_store_error: refuse
  max_sessions: 17
  headers: {X-A: a, X-B: {key: "b c", encoding: display_string}, X-C: {all: json}, X-D: {id: true}}
  idle_timeout: 2h
  absolute_timeout: 10d
  touch_interval: 5m
  not_before: 2025-01-31T12:00:00+01:00
  max_values: 5
  max_value: 1KiB
  cookie: {name: __Secure-s, path: /app, domain: example.com, lifetime: 30d, secure: true, http_only: false, same_site: none, partitioned: true, bind_host: true}
limits: {header: 8KiB, headers: 50, target: 4KiB, body: 1GiB, form: 1000B, connections: 7, connections_per_client: 6, requests_per_connection: 5}
timeouts: {header: 1s, body: 2s, idle: 3s, connect: 4s, response: 5s, write: 6s, drain: 0s}
log: {level: debug, format: json, access: false}
admin: {address: 127.0.0.1:9090}
)";

}  // namespace

TEST_CASE("a dump loads to the configuration it came from", "[config][dump]") {
  World world;
  const std::string yaml = GENERATE(minimal(), std::string{everything});
  const Loaded loaded = world.load(yaml);
  REQUIRE(lines(loaded.problems) == std::vector<std::string>{});
  const std::string dump = dump_config(*loaded.config);
  INFO(dump);
  const Loaded again = world.load(dump);
  CHECK(lines(again.problems) == std::vector<std::string>{});
  REQUIRE(again.config);
  CHECK(*again.config == *loaded.config);
  // Every key is written out, the optional ones when they are set.
  if (yaml == everything) {
    CHECK(again.used_keys.size() + 1 >= loaded.used_keys.size());
  }
}

TEST_CASE("a dump holds no secret", "[config][dump]") {
  World world;
  world.variables["REDIS_URL"] = "redis://ann:hunter2@127.0.0.1:6379/0";
  world.variables["UNIX_URL"] = "unix://:hunter2@/run/redis.sock?db=2";
  const std::string url = GENERATE("REDIS_URL", "UNIX_URL");
  const Loaded loaded = world.load(minimal("", "store: redis\n  redis: {url: \"${" + url + "}\"}"));
  REQUIRE(loaded.config);
  CHECK(loaded.config->session.redis->password == "hunter2");
  const std::string dump = dump_config(*loaded.config);
  CHECK(dump.find(good_secret) == std::string::npos);
  CHECK(dump.find("hunter2") == std::string::npos);
  CHECK(dump.find("ann") == std::string::npos);
  CHECK(dump.find(":***@") != std::string::npos);
  CHECK(dump.find("{env: SESSION_KEY}") != std::string::npos);
}
