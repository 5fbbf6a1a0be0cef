// What the sections of a listener, a backend, a route and the log become, and what is only worth a
// warning; what is wrong is in bad/.

#include "support/catch.hpp"
#include "world.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

Config load(const std::string& yaml, std::vector<std::string> warnings = {}) {
  const Loaded loaded = World{}.load(yaml);
  INFO(yaml);
  REQUIRE(lines(loaded.problems) == std::vector<std::string>{});
  CHECK(loaded.warnings == warnings);
  return *loaded.config;
}

Config with_listener(const std::string& keys, std::vector<std::string> warnings = {}) {
  return load("listen: [{address: \"127.0.0.1:8080\", " + keys +
                  "}]\n"
                  "backends: {app: {servers: [\"http://127.0.0.1:8081\"]}}\n"
                  "routes: [{path: \"/*\", backend: app}]\n"
                  "session: {secrets: [{env: SESSION_KEY}], "
                  "cookie: {name: __Host-session, secure: true}}\n",
              std::move(warnings));
}

Config with_backend(const std::string& keys, std::vector<std::string> warnings = {}) {
  return load("listen: [{address: \"127.0.0.1:8080\"}]\nbackends: {app: {" + keys +
                  "}}\n"
                  "routes: [{path: \"/*\", backend: app}]\n"
                  "session: {secrets: [{env: SESSION_KEY}]}\n",
              std::move(warnings));
}

RouteConfig with_route(const std::string& keys) {
  return load(minimal("routes: [{" + keys + "}]")).routes.at(0);
}

Config with(const std::string& keys, std::vector<std::string> warnings = {}) {
  return load(minimal("routes: [{path: \"/*\", backend: app}]\n" + keys), std::move(warnings));
}

}  // namespace

TEST_CASE("the certificate in the section itself stands before those of the list",
          "[config][listen]") {
  const TlsFiles plain{"/etc/tls.crt", "/etc/tls.key"};
  const TlsFiles shop{"/etc/keepsake/shop.crt", "/etc/keepsake/shop.key"};
  const auto certificates = [](const std::string& tls, std::vector<std::string> warnings = {}) {
    return with_listener("tls: {" + tls + "}", std::move(warnings)).listen[0].tls->certificates;
  };
  // Both files of this test's world certify the same names.
  const auto never_shown = [](const std::string& place) {
    return std::vector{"test.yaml:" + place +
                       ": listen[0].tls.certificates[0].certificate: the certificate "
                       "/etc/keepsake/shop.crt is never shown: an earlier one with the same kind "
                       "of key has its names"};
  };
  const std::string own = "certificate: /etc/tls.crt, key: /etc/tls.key";
  const std::string list =
      "certificates: [{certificate: /etc/keepsake/shop.crt, key: /etc/keepsake/shop.key}]";
  CHECK(certificates(own) == std::vector{plain});
  CHECK(certificates(own + ", " + list, never_shown("1:119")) == std::vector{plain, shop});
  CHECK(certificates(list + ", " + own, never_shown("1:73")) == std::vector{plain, shop});
  CHECK(certificates(list) == std::vector{shop});
}

TEST_CASE("client certificates are required unless they are said to be optional",
          "[config][listen]") {
  const auto tls = [](const std::string& keys) {
    return *with_listener("tls: {certificate: /etc/tls.crt, key: /etc/tls.key" + keys + "}")
                .listen[0]
                .tls;
  };
  CHECK(tls("").client_ca.empty());
  CHECK(tls(", client_ca: /etc/keepsake/clients.crt").client_ca == "/etc/keepsake/clients.crt");
  CHECK(tls(", client_ca: /etc/keepsake/clients.crt").client_required);
  CHECK(
      tls(", client_ca: /etc/keepsake/clients.crt, client_certificate: required").client_required);
  CHECK_FALSE(
      tls(", client_ca: /etc/keepsake/clients.crt, client_certificate: optional").client_required);
  CHECK(tls(", client_ca: /etc/keepsake/clients.crt, client_subject_header: X-Who")
            .client_subject_header == "X-Who");
}

TEST_CASE("a redirect to https goes to its port or to 443", "[config][listen]") {
  CHECK(with_listener("redirect_to_https: true").listen[0].redirect_to_https == 443);
  CHECK(with_listener("redirect_to_https: 8443").listen[0].redirect_to_https == 8443);
  CHECK(with_listener("redirect_to_https: 1").listen[0].redirect_to_https == 1);
  CHECK_FALSE(with_listener("redirect_to_https: false").listen[0].redirect_to_https.has_value());
}

TEST_CASE("a unix socket's mode is octal, in quotes or not", "[config][listen]") {
  const auto mode = [](const std::string& written) {
    const Loaded loaded = World{}.load(
        "listen: [{address: \"unix:/run/k.sock\", mode: " + written + "}]\n" +
        "backends: {app: {servers: [http://127.0.0.1:8081]}}\n"
        "routes: [{path: \"/*\", backend: app}]\nsession: {secrets: [{env: SESSION_KEY}]}\n");
    REQUIRE(loaded.config);
    return loaded.config->listen[0].mode;
  };
  for (const char* written : {"\"0660\"", "0660", "660", "\"660\""}) {
    CHECK(mode(written) == 0660U);
  }
  CHECK(mode("\"0000\"") == 0U);
  CHECK_FALSE(mode("null").has_value());
}

TEST_CASE("a listener with tls may send plain http to https", "[config][listen]") {
  const Loaded loaded = World{}.load(
      "listen: [{address: \"127.0.0.1:8443\", redirect_to_https: true,\n"
      "  tls: {certificate: /etc/keepsake/tls.crt, key: /etc/keepsake/tls.key}}]\n"
      "backends: {app: {servers: [http://127.0.0.1:8081]}}\n"
      "routes: [{path: \"/*\", backend: app}]\nsession: {secrets: [{env: SESSION_KEY}]}\n");
  REQUIRE(loaded.config);
  CHECK(loaded.config->listen[0].redirect_to_https == 443U);
}

TEST_CASE("the admin listener's names are in lower case", "[config][admin]") {
  const Loaded loaded = World{}.load(
      "listen: [{address: \"127.0.0.1:8080\"}]\nadmin: {hosts: [Admin.Example.com]}\n"
      "backends: {app: {servers: [http://127.0.0.1:8081]}}\n"
      "routes: [{path: \"/*\", backend: app}]\nsession: {secrets: [{env: SESSION_KEY}]}\n");
  REQUIRE(loaded.config);
  CHECK(loaded.config->admin.hosts == std::vector<std::string>{"admin.example.com"});
}

TEST_CASE("a server is a URL or a map of it and its weight", "[config][backends]") {
  const Config config = with_backend(
      "servers: [\"http://a\", {url: \"https://b\"}, {url: \"unix:/run/c.sock\", weight: 1000}]");
  const auto& servers = config.backends[0].servers;
  REQUIRE(servers.size() == 3);
  CHECK(servers[0].weight == 1);
  CHECK(servers[1].url == "https://b");
  CHECK(servers[1].tls);
  CHECK(servers[1].address.port == 443);
  CHECK(servers[1].weight == 1);
  CHECK(servers[2].address.path == "/run/c.sock");
  CHECK(servers[2].weight == 1000);
}

TEST_CASE("what is wrong with one server leaves the others' places alone", "[config][backends]") {
  const Loaded loaded = World{}.load(
      "listen: [{address: \"127.0.0.1:8080\"}]\n"
      "backends:\n  app:\n    servers:\n      - ftp://a\n      - ftp://b\n"
      "      - {url: \"http://c\", weight: 0}\n"
      "session: {secrets: [{env: SESSION_KEY}]}\n");
  std::vector<std::string> paths;
  for (const Problem& problem : loaded.problems) {
    paths.push_back(problem.path);
  }
  CHECK(paths == std::vector<std::string>{"backends.app.servers[0]", "backends.app.servers[1]",
                                          "backends.app.servers[2].weight"});
}

TEST_CASE("https servers are verified unless somebody says otherwise", "[config][backends]") {
  const BackendTls all = with_backend(
                             "servers: [\"https://a\", \"http://b\"], tls: {ca: "
                             "/etc/keepsake/internal.crt, certificate: /etc/keepsake/proxy.crt, "
                             "key: /etc/keepsake/proxy.key, server_name: a.internal}")
                             .backends[0]
                             .tls;
  CHECK(all == BackendTls{"/etc/keepsake/internal.crt", "/etc/keepsake/proxy.crt",
                          "/etc/keepsake/proxy.key", "a.internal", true});
  CHECK(with_backend("servers: [\"https://a\"]").backends[0].tls == BackendTls{});
  CHECK_FALSE(with_backend("servers: [\"https://a\"], tls: {verify: false}",
                           {"test.yaml:2:56: backends.app.tls.verify: false: whoever answers is "
                            "taken for the backend, and sees its sessions"})
                  .backends[0]
                  .tls.verify);
}

TEST_CASE("a queue without max_requests is worth a warning", "[config][backends]") {
  const std::string servers = "servers: [\"http://a\"], ";
  const BackendConfig backend =
      with_backend(servers + "slow_start: 1h, max_requests: 5, queue: {size: 0, timeout: 1ms}")
          .backends[0];
  CHECK(backend.slow_start == 1h);
  CHECK(backend.max_requests == 5);
  CHECK(backend.queue == 0);
  CHECK(backend.queue_timeout == 1ms);
  with_backend(servers + "queue: {size: 7}",
               {"test.yaml:2:48: backends.app.queue: is not used: max_requests is 0, so nothing "
                "waits"});
}

TEST_CASE("a route changes limits and timeouts for itself", "[config][routes]") {
  const RouteConfig route = with_route(
      "path: /x, backend: app, limits: {body: 1TiB}, timeouts: {body: 1s, idle: 31d, connect: 2s, "
      "response: 3s, write: 4s}");
  CHECK(route.limits == RouteLimits{ByteCount{1} << 40U, std::nullopt});
  CHECK(route.timeouts == RouteTimeouts{1s, Millis{std::chrono::hours{24 * 31}}, 2s, 3s, 4s});
  const RouteConfig action =
      with_route("path: /x, set: {a: b}, limits: {form: 1KiB}, timeouts: {body: 1s, write: 2s}");
  CHECK(action.limits.form == 1024);
  CHECK(action.timeouts.write == Millis{2s});
  CHECK(with_route("path: /x, backend: app").limits == RouteLimits{});
}

TEST_CASE("a route rewrites paths and headers", "[config][routes]") {
  const RouteConfig route = with_route(
      "path: \"/api/*\", backend: app, rewrite: {strip_prefix: /api, add_prefix: /v2/api, "
      "set_request_headers: {X-A: \"1\", User-Agent: keepsake}, remove_request_headers: [Origin], "
      "set_response_headers: {Cache-Control: no-store}, remove_response_headers: [Server, Via]}, "
      "response_headers: {Strict-Transport-Security: max-age=60}");
  CHECK(route.rewrite == RewriteConfig{"/api",
                                       "/v2/api",
                                       {{"X-A", "1"}, {"User-Agent", "keepsake"}},
                                       {"Origin"},
                                       {{"Cache-Control", "no-store"}},
                                       {"Server", "Via"}});
  CHECK(route.response_headers ==
        std::vector<HeaderValue>{{"Strict-Transport-Security", "max-age=60"}});
  // A prefix may reach into the route's own wildcard, or be all of an exact path.
  for (const char* keys : {"path: \"/*\", backend: app, rewrite: {strip_prefix: /a/b}",
                           "path: \"/a/*\", backend: app, rewrite: {strip_prefix: /a/b}",
                           "path: /a, backend: app, rewrite: {strip_prefix: /a}",
                           "path: /a/b, backend: app, rewrite: {strip_prefix: /a}"}) {
    with_route(keys);
  }
  // Vary stays Keepsake's where there are sessions.
  with_route("path: /a, backend: app, session: false, response_headers: {Vary: Origin}");
}

TEST_CASE("every spelling of a header that Keepsake decides is refused", "[config][routes]") {
  const auto problems = [](const std::string& rewrite) {
    return lines(
        World{}
            .load(minimal("routes: [{path: \"/*\", backend: app, rewrite: {" + rewrite + "}}]",
                          "headers: {X-Session-Name: n}"))
            .problems);
  };
  for (const char* name : {"Host",
                           "COOKIE",
                           "Content-Length",
                           "content_length",
                           "Transfer-Encoding",
                           "Transfer.Encoding",
                           "Connection",
                           "Keep-Alive",
                           "Proxy-Connection",
                           "TE",
                           "Trailer",
                           "Upgrade",
                           "Expect",
                           "X-Forwarded-For",
                           "x_forwarded_proto",
                           "X-Forwarded-User",
                           "Forwarded",
                           "X-Real-IP",
                           "X-Request-Id",
                           "X-Session-Name",
                           "x_session.name",
                           "X-Session-Set",
                           "X-Session-Clear",
                           "X-Session-Renew",
                           "Set-Cookie",
                           "X-Keepsake-Assertion",
                           "X_Keepsake_Assertion"}) {
    INFO(name);
    const std::string quoted = "\"" + std::string{name} + "\"";
    CHECK(problems("set_request_headers: {" + quoted + ": a}").size() == 1);
    CHECK(problems("remove_request_headers: [" + quoted + "]").size() == 1);
    CHECK(problems("set_response_headers: {" + quoted + ": a}").size() == 1);
    CHECK(problems("remove_response_headers: [" + quoted + "]").size() == 1);
  }
  CHECK(problems("remove_response_headers: [Date]").size() == 1);
  CHECK(problems("remove_response_headers: [Vary]").size() == 1);
  CHECK(problems("remove_request_headers: [Vary, Traceparent, Authorization]").empty());
}

TEST_CASE("traceparent is the user's header until Keepsake writes it", "[config][routes]") {
  const std::string route =
      "routes: [{path: \"/*\", backend: app, rewrite: {remove_request_headers: [traceparent]}}]\n";
  CHECK(World{}.load(minimal(route)).problems.empty());
  CHECK(World{}.load(minimal(route + "traceparent: true\n")).problems.size() == 1);
}

TEST_CASE("a rate limit stands alone or in a list", "[config][routes]") {
  const RateLimit ten{RateLimit::Per::Client, 10, 1s, 0};
  const RateLimit burst{RateLimit::Per::Session, 1'000'000'000, 24h, 7};
  CHECK(with_route("path: /x, backend: app, rate_limit: {requests: 10}").rate_limits ==
        std::vector{ten});
  CHECK(with_route("path: /x, clear: true, rate_limits: [{requests: 10}, {per: session, requests: "
                   "1000000000, every: 1d, burst: 7}]")
            .rate_limits == std::vector{ten, burst});
}

TEST_CASE("addresses are let in or kept out", "[config][routes]") {
  const RouteConfig route =
      with_route("path: /x, clear: true, allow: [10.0.0.0/8, \"::1\"], deny: [10.1.0.0/16]");
  CHECK(route.allow == std::vector{*parse_cidr("10.0.0.0/8"), *parse_cidr("::1")});
  CHECK(route.deny == std::vector{*parse_cidr("10.1.0.0/16")});
}

TEST_CASE("a page for one status stands before its class", "[config][error_pages]") {
  const std::string page = "<h1>{status} {title}</h1>";
  const Config config = with(
      "error_pages: {5xx: /etc/keepsake/down.html, 4xx: /etc/keepsake/missing.html, 502: "
      "/etc/keepsake/missing.html, \"404\": /etc/keepsake/missing.html}");
  CHECK(config.error_pages == std::vector<ErrorPage>{{404, 404, "/etc/keepsake/missing.html", page},
                                                     {502, 502, "/etc/keepsake/missing.html", page},
                                                     {400, 499, "/etc/keepsake/missing.html", page},
                                                     {500, 599, "/etc/keepsake/down.html", page}});
  CHECK(config.error_pages[2].matches(499));
  CHECK_FALSE(config.error_pages[2].matches(500));
}

TEST_CASE("a page may have 64 KiB, and mistakes in two are both reported",
          "[config][error_pages]") {
  World world;
  world.files["/pages/edge.html"] = std::string(64 * 1024, 'x');
  CHECK(world.load(minimal("error_pages: {4xx: /pages/edge.html}")).config.has_value());
  CHECK(world.load(minimal("error_pages: {4xx: /pages/large.html, 5xx: /pages/none.html}"))
            .problems.size() == 2);
}

TEST_CASE("the access log's fields are read in their order", "[config][log]") {
  const Config config = with(
      "log: {file: /var/log/a.log, access_file: b.log, fields: [user_agent, time, connection]}");
  CHECK(config.log.file == "/var/log/a.log");
  CHECK(config.log.access_file == "b.log");
  CHECK(config.log.fields ==
        std::vector{LogField::UserAgent, LogField::Time, LogField::Connection});
  CHECK(with("log: {file: null, access_file: null, fields: null}").log == LogConfig{});
  std::string all;
  for (const std::string_view word : log_field_words) {
    all += (all.empty() ? "" : ", ") + std::string{word};
  }
  CHECK(with("log: {fields: [" + all + "]}").log.fields.size() == log_field_words.size());
}

TEST_CASE("outputs that nobody gets are worth a warning", "[config][log]") {
  with("log: {access: false, access_file: a.log}",
       {"test.yaml:7:35: log.access_file: is not used: access is false"});
  with("admin: {token: {env: ADMIN_TOKEN}}",
       {"test.yaml:7:16: admin.token: is not used: admin has no address"});
}

TEST_CASE("the word unix among trusted networks is no network", "[config][listen]") {
  const Config both =
      with("trusted_proxies: [10.0.0.0/8, unix]",
           {"test.yaml:7:18: trusted_proxies: has unix, and no listener is a unix socket"});
  CHECK(both.trust_unix);
  CHECK(both.trusted_proxies == std::vector<Cidr>{*parse_cidr("10.0.0.0/8")});
  CHECK_FALSE(with("trusted_proxies: [10.0.0.0/8]").trust_unix);
}

TEST_CASE("trusted origins are read as they are written", "[config][session]") {
  const Config config = load(
      minimal("routes: [{path: \"/*\", backend: app}]",
              "trusted_origins: [\"https://WWW.example.com\"]\n  cookie: {same_site: none, secure: "
              "true}"));
  CHECK(config.session.trusted_origins == std::vector<std::string>{"https://WWW.example.com"});
  CHECK(with("").session.trusted_origins.empty());
}

TEST_CASE("the smaller settings are read", "[config][load]") {
  const Config config = with(
      "traceparent: true\nlimits: {handshakes: 5, rate_buckets: 6}\n"
      "timeouts: {handshake: 7s, drain_delay: 8s}\n"
      "admin: {address: \"127.0.0.1:9090\", token: {env: ADMIN_TOKEN}}");
  CHECK(config.traceparent);
  CHECK(config.limits.handshakes == 5);
  CHECK(config.limits.rate_buckets == 6);
  CHECK(config.timeouts.handshake == Millis{7s});
  CHECK(config.timeouts.drain_delay == Millis{8s});
  CHECK(config.admin.token->origin == "env ADMIN_TOKEN");
  CHECK(config.admin.token->text == World{}.variables.at("ADMIN_TOKEN"));
}
