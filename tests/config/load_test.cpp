#include "config/load.hpp"

#include "support/catch.hpp"
#include "world.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

TEST_CASE("the least that is required loads with every default", "[config][load]") {
  const Loaded loaded = World{}.load(minimal());
  CHECK(lines(loaded.problems) == std::vector<std::string>{});
  REQUIRE(loaded.config);
  Config expected;
  expected.listen.resize(1);
  expected.listen[0].address.host = "127.0.0.1";
  expected.listen[0].address.port = 8080;
  expected.backends.resize(1);
  expected.backends[0].name = "app";
  expected.backends[0].servers.resize(1);
  expected.backends[0].servers[0].url = "http://127.0.0.1:8081";
  expected.backends[0].servers[0].address.host = "127.0.0.1";
  expected.backends[0].servers[0].address.port = 8081;
  expected.session.secrets = {{"env SESSION_KEY", std::string{good_secret}, false}};
  expected.session.headers = {
      {"X-Session-Name", SessionHeader::Source::Value, "myName", ValueEncoding::Percent}};
  CHECK(*loaded.config == expected);
}

TEST_CASE("all mistakes are reported at once, in the order of the file", "[config][load]") {
  const Loaded loaded = World{}.load(
      "listen: [{address: nowhere}]\n"
      "backends: {app: {servers: [\"http://127.0.0.1:8081\"], balance: best}}\n"
      "routes: [{path: x, backend: ap}]\n"
      "session: {secrets: [{env: NOT_SET}], idle_timeout: 5}\n"
      "limit: {}\n");
  std::vector<std::string> places;
  for (const Problem& problem : loaded.problems) {
    places.push_back(std::to_string(problem.line) + " " + problem.path);
  }
  CHECK(places == std::vector<std::string>{"1 listen[0].address", "2 backends.app.balance",
                                           "3 routes[0].path", "3 routes[0].backend",
                                           "4 session.secrets[0].env", "4 session.idle_timeout",
                                           "5 limit"});
  CHECK_FALSE(loaded.config.has_value());
}

TEST_CASE("an empty file lacks what is required", "[config][load]") {
  const Loaded loaded = World{}.load("");
  std::vector<std::string> paths;
  for (const Problem& problem : loaded.problems) {
    paths.push_back(problem.path);
  }
  CHECK(paths == std::vector<std::string>{"listen", "backends", "session.secrets"});
}

TEST_CASE("a mistake in one place is not reported again as a consequence", "[config][load]") {
  const World world;
  CHECK(world.load(minimal("routes: [{path: \"/*\", backend: app}]\n", "") + "backend: {}\n")
            .problems.size() == 1);
  // Neither the route's backend nor the missing section is blamed on the typing error twice.
  const Loaded loaded = world.load(
      "listen: [{address: \"127.0.0.1:8080\"}]\n"
      "backends: [app]\n"
      "routes: [{path: \"/*\", backend: app}]\n"
      "session: {secrets: [{env: SESSION_KEY}]}\n");
  REQUIRE(loaded.problems.size() == 1);
  CHECK(loaded.problems[0].path == "backends");
}

TEST_CASE("routes carry the defaults of their kind", "[config][load]") {
  const Loaded loaded = World{}.load(
      minimal("routes:\n"
              "  - {path: /setName, set: {myName: name, other: field}}\n"
              "  - {path: /reset, clear: true, redirect: /bye}\n"
              "  - {path: \"/api/*\", host: API.Example.COM, methods: [GET], backend: app}\n"
              "  - {path: \"/*\", backend: app, session: false}\n"));
  REQUIRE(loaded.config);
  const auto& routes = loaded.config->routes;
  REQUIRE(routes.size() == 4);
  CHECK(routes[0].methods == std::vector<std::string>{"POST"});
  CHECK(routes[0].redirect == "/");
  CHECK(routes[0].set == std::vector<SetField>{{"myName", "name"}, {"other", "field"}});
  CHECK(routes[1].methods == std::vector<std::string>{"GET", "POST"});
  CHECK(routes[1].redirect == "/bye");
  CHECK(routes[2].host == "api.example.com");
  CHECK(routes[2].methods == std::vector<std::string>{"GET"});
  CHECK(routes[3].methods.empty());
  CHECK_FALSE(routes[3].session);
}

TEST_CASE("servers may leave their port to the scheme", "[config][load]") {
  const Loaded loaded = World{}.load(
      "listen: [{address: \"127.0.0.1:8080\"}]\n"
      "backends:\n"
      "  app:\n"
      "    servers:\n"
      "      - http://app\n"
      "      - https://app/\n"
      "      - http://[2001:db8::1]\n"
      "      - https://[2001:db8::1]:8443\n"
      "      - unix:/run/app.sock\n"
      "session: {secrets: [{env: SESSION_KEY}]}\n");
  CHECK(lines(loaded.problems) == std::vector<std::string>{});
  REQUIRE(loaded.config);
  const auto& servers = loaded.config->backends[0].servers;
  CHECK(servers[0].address.to_string() == "app:80");
  CHECK(servers[1].address.to_string() == "app:443");
  CHECK(servers[1].tls);
  CHECK(servers[2].address.to_string() == "[2001:db8::1]:80");
  CHECK(servers[3].address.to_string() == "[2001:db8::1]:8443");
  CHECK(servers[4].address.to_string() == "unix:/run/app.sock");
}

TEST_CASE("a value from the environment has the type that its key wants", "[config][load]") {
  World world;
  world.variables["N"] = "7";
  world.variables["ON"] = "false";
  world.variables["T"] = "90s";
  const Loaded loaded =
      world.load(minimal("workers: ${N}\nlimits: {headers: \"${N}0\"}\nlog: {access: \"${ON}\"}\n"
                         "timeouts: {idle: \"${T}\", body: \"${MISSING:-3s}\"}\n"));
  CHECK(lines(loaded.problems) == std::vector<std::string>{});
  REQUIRE(loaded.config);
  CHECK(loaded.config->workers == 7);
  CHECK(loaded.config->limits.headers == 70);
  CHECK_FALSE(loaded.config->log.access);
  CHECK(loaded.config->timeouts.idle == 90s);
  CHECK(loaded.config->timeouts.body == 3s);
}

TEST_CASE("an anchor saves repeating a section", "[config][load]") {
  const Loaded loaded = World{}.load(
      "listen: [{address: \"127.0.0.1:8080\"}]\n"
      "backends:\n"
      "  a: {servers: [http://a:1], retry: &retry {attempts: 5}}\n"
      "  b: {servers: [http://b:1], retry: *retry}\n"
      "session: {secrets: [{env: SESSION_KEY}]}\n");
  REQUIRE(loaded.config);
  CHECK(loaded.config->backends[1].retry_attempts == 5);
}

TEST_CASE("without touch_interval a short idle_timeout has a fitting one", "[config][load]") {
  const World world;
  const auto touch = [&](std::string_view session) {
    const Loaded loaded = world.load(minimal("", session));
    REQUIRE(loaded.config);
    return loaded.config->session.touch_interval;
  };
  CHECK(touch("idle_timeout: 24h") == 60s);
  CHECK(touch("idle_timeout: 4m") == 60s);
  CHECK(touch("idle_timeout: 20s") == 5s);
  CHECK(touch("idle_timeout: 2s") == 0s);
  CHECK(touch("idle_timeout: 20s\n  touch_interval: 9s") == 9s);
}

TEST_CASE("no headers at all is a choice that stands", "[config][load]") {
  const Loaded loaded = World{}.load(minimal("", "headers: {}"));
  REQUIRE(loaded.config);
  CHECK(loaded.config->session.headers.empty());
}

TEST_CASE("whatever the bytes are, loading ends with problems or a configuration",
          "[config][load]") {
  // Every prefix of a good file, and every file with one byte gone or turned.
  const World world;
  const std::string good = minimal("routes: [{path: \"/*\", backend: app}]\n", "idle_timeout: 1h");
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (std::string text : {good.substr(0, i), good.substr(0, i) + good.substr(i + 1),
                             good.substr(0, i) + '\x80' + good.substr(i + 1),
                             good.substr(0, i) + '{' + good.substr(i + 1),
                             good.substr(0, i) + '\t' + good.substr(i + 1),
                             good.substr(0, i) + '"' + good.substr(i + 1)}) {
      const Loaded loaded = world.load(text);
      CHECK(loaded.config.has_value() == loaded.problems.empty());
    }
  }
}
