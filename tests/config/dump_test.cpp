#include "config/dump.hpp"

#include "support/catch.hpp"
#include "world.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

constexpr std::string_view everything = R"(
listen:
  - {address: "[::1]:8443", proxy_protocol: true, tls: {certificate: /etc/tls.crt, key: /etc/tls.key}}
  - address: 127.0.0.1:8444
    tls:
      certificates: [{certificate: /etc/tls.crt, key: /etc/tls.key}, {certificate: /etc/keepsake/shop.crt, key: /etc/keepsake/shop.key}]
      client_ca: /etc/keepsake/clients.crt
      client_certificate: optional
      client_subject_header: X-Who
  - {address: "unix:/run/keepsake.sock", mode: "0660", http2: false}
  - {address: 127.0.0.1:80, redirect_to_https: true}
  - {address: 127.0.0.1:81, redirect_to_https: 8443}
workers: 3
io_uring: false
headers_with_underscore: drop
traceparent: true
reload: watch
trusted_proxies: [unix, 10.0.0.0/8, "2001:db8::/32", 192.0.2.1, "::/0"]
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
    tls: {ca: /etc/keepsake/internal.crt, certificate: /etc/keepsake/proxy.crt, key: /etc/keepsake/proxy.key, server_name: app.internal}
    http2: true
    slow_start: 90s
    max_requests: 12
    queue: {size: 3, timeout: 250ms}
  "other-1": {servers: [http://other, {url: "http://other:81", weight: 7}], host: backend}
  careless: {servers: ["https://anybody"], tls: {verify: false}}
routes:
  - {path: /setName, host: Example.com, set: {myName: name, "my key": "a: $${b}"}, methods: [PUT], redirect: /done, renew: true, remember: {field: "stay: here", lifetime: 9d}, limits: {form: 1KiB, body: 2KiB}}
  - {path: /old, redirect: /new, status: 308}
  - {path: /reset, clear: true, response_headers: {X-Frame-Options: DENY}, timeouts: {body: 1s, write: 2s}}
  - path: "/static/*"
    backend: other-1
    session: false
    abandon: end
    methods: [GET, M-SEARCH]
    timeouts: {idle: 1m, connect: 2s, response: 3s}
    rewrite:
      strip_prefix: /static/css
      add_prefix: /v1/files
      set_request_headers: {X-Area: "a \"b\" $${c}"}
      remove_request_headers: [Accept-Language, X-Other]
      set_response_headers: {Cache-Control: "public, max-age=60"}
      remove_response_headers: [Server]
      location: true
    rate_limits: [{per: client, requests: 10, every: 2s, burst: 20}, {requests: 1000, every: 1h}]
    allow: [10.0.0.0/8, "2001:db8::/32"]
    deny: [10.1.0.0/16]
  - {path: /session, show: [user, "a b"], touch: false}
  - {path: /healthz, health: true}
  - {path: /verify, verify: true, touch: false}
  - {path: /verify-status, verify: status, require: [user], else: /login}
  - {path: /enter, set: {nick: nick}, redirect: return}
  - {path: /theme, set: {theme: theme}, redirect: back, require: [user]}
  - {path: /login, backend: app, cross_site: refuse, touch: false}
  - {path: "/staff/*", backend: app, require: {role: [admin, "a: b"], "my role": owner}, else: /login}
  - {path: "/*", backend: app, rate_limit: {per: session, requests: 3}}
error_pages: {5xx: /etc/keepsake/down.html, 404: /etc/keepsake/missing.html}
session:
  secrets: [{env: SESSION_KEY}, {file: /run/secrets/good}]
  format: sealed
  store: redis
  redis: {url: "rediss://127.0.0.1:6380/4", timeout: 1s, replicas: 2, prefix: "shop:", tls: {ca: /etc/tls.crt, certificate: /etc/tls.crt, key: /etc/tls.key, server_name: redis.example.com, verify: true}}
  on_store_error: refuse
  max_sessions: 17
  headers: {X-A: a, X-B: {key: "b c", encoding: display_string}, X-C: {all: json}, X-D: {id: true}, X-E: {return: true}}
  idle_timeout: 2h
  absolute_timeout: 10d
  touch_interval: 5m
  privileged: [user, "a b"]
  index: "person: id"
  not_before: 2025-01-31T12:00:00+01:00
  max_values: 5
  max_value: 1KiB
  cookie: {name: __Secure-s, path: /app, domain: example.com, lifetime: 30d, secure: true, http_only: false, same_site: none, partitioned: true, bind_host: false, previous: [{name: old, path: /app, domain: example.com}]}
  flask: {permanent_lifetime: 31d, salt: cookie-session, digest: sha1}
  trusted_origins: ["https://www.example.com", "http://app.example:8080"]
limits: {header: 8KiB, response_header: 9KiB, headers: 50, target: 4KiB, body: 1GiB, form: 1000B, connections: 7, connections_per_client: 6, requests_per_connection: 5, streams: 9, handshakes: 4, rate_buckets: 3}
timeouts: {header: 1s, body: 2s, idle: 3s, connect: 4s, response: 5s, write: 6s, handshake: 7s, drain: 0s, drain_delay: 8s}
log: {level: debug, format: json, access: true, file: /var/log/keepsake.log, access_file: /var/log/access.log, fields: [status, time, user_agent]}
admin: {address: 127.0.0.1:9090, token: {env: ADMIN_TOKEN}, hosts: [admin.example.com]}
)";

}  // namespace

TEST_CASE("a dump loads to the configuration it came from", "[config][dump]") {
  World world;
  const std::string yaml = GENERATE(
      minimal(), std::string{everything}, minimal("", "cookie: {bind_host: true}"),
      minimal("",
              "redis: {sentinel: {servers: [s1, \"[::1]:7\"], master: \"a b\", tls: {verify: "
              "false}}, tls: {}}"),
      minimal("", "redis: {cluster: {servers: [c1, \"c2:7000\"]}, timeout: 3s}"));
  const Loaded loaded = world.load(yaml);
  REQUIRE(lines(loaded.problems) == std::vector<std::string>{});
  const std::string dump = dump_config(*loaded.config);
  INFO(dump);
  const Loaded again = world.load(dump);
  CHECK(lines(again.problems) == std::vector<std::string>{});
  REQUIRE(again.config);
  CHECK(*again.config == *loaded.config);
  // Every key is written out, the optional ones when they are set; a single rate limit as a list.
  std::set<std::string> keys = loaded.used_keys;
  std::erase_if(keys, [](const std::string& key) {
    return key == "routes[].rate_limit" || key.starts_with("routes[].rate_limit.");
  });
  for (const std::string& key : keys) {
    INFO(key);
    CHECK(again.used_keys.contains(key));
  }
  if (yaml == everything) {
    std::set<std::string> not_here{"session.allow_short", "session.secrets[].allow_short",
                                   "backends.*.assertion.secret.file", "admin.token.file"};
    // Logins are shown as stars, and an URL leaves no place for Sentinels and clusters.
    not_here.insert({"session.redis.username", "session.redis.password", "session.redis.sentinel",
                     "session.redis.cluster"});
    for (const std::string& key : loaded.known_keys) {
      INFO(key);
      CHECK((loaded.used_keys.contains(key) || not_here.contains(key) ||
             key.starts_with("routes[].rate_limit.")));
    }
  }
}

TEST_CASE("a dump holds no secret", "[config][dump]") {
  World world;
  const std::string token = "admin: {address: \"127.0.0.1:9090\", token: {env: ADMIN_TOKEN}}";
  world.variables["REDIS_URL"] = "redis://ann:hunter2@127.0.0.1:6379/0";
  world.variables["UNIX_URL"] = "unix://:hunter2@/run/redis.sock?db=2";
  const std::string url = GENERATE("REDIS_URL", "UNIX_URL");
  const Loaded loaded =
      world.load(minimal(token, "store: redis\n  redis: {url: \"${" + url + "}\"}"));
  REQUIRE(loaded.config);
  CHECK(loaded.config->session.redis->password == "hunter2");
  const std::string dump = dump_config(*loaded.config);
  CHECK(dump.find(good_secret) == std::string::npos);
  CHECK(dump.find("hunter2") == std::string::npos);
  CHECK(dump.find("ann") == std::string::npos);
  CHECK(dump.find(":***@") != std::string::npos);
  CHECK(dump.find(world.variables.at("ADMIN_TOKEN")) == std::string::npos);
  CHECK(dump.find("{env: ADMIN_TOKEN}") != std::string::npos);
  CHECK(dump.find("{env: SESSION_KEY}") != std::string::npos);
}
