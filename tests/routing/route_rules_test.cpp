#include "routing/route_rules.hpp"

#include "support/catch.hpp"

using namespace keepsake;

namespace {

RouteConfig backend_route() {
  RouteConfig route;
  route.path = "/*";
  return route;
}

Config with_session_header() {
  Config config;
  config.session.headers.push_back({"X-Session-Name", SessionHeader::Source::Value, "myName", {}});
  return config;
}

}  // namespace

TEST_CASE("without overrides a route has the global limits and timeouts", "[server][rules]") {
  Config config;
  config.limits.body = 123;
  config.timeouts.response = Seconds{4};
  const RouteRules rules{config, backend_route()};
  CHECK(rules.limits == config.limits);
  CHECK(rules.timeouts == config.timeouts);
  CHECK_FALSE(rules.guarded);
  CHECK_FALSE(rules.session_guarded);
  CHECK_FALSE(rules.rewrites_target);
  CHECK_FALSE(rules.adds_lines);
  CHECK(rules.request_names.empty());
  CHECK(rules.response_names.empty());
}

TEST_CASE("what a route names takes the place of the global value, and nothing else",
          "[server][rules]") {
  RouteConfig route = backend_route();
  route.limits.body = 1;
  route.timeouts.idle = Seconds{2};
  const RouteRules rules{Config{}, route};
  LimitsConfig limits;
  limits.body = 1;
  TimeoutsConfig timeouts;
  timeouts.idle = Seconds{2};
  CHECK(rules.limits == limits);
  CHECK(rules.timeouts == timeouts);
}

TEST_CASE("a name that Keepsake decides is left out whoever let it through", "[server][rules]") {
  const std::string name = GENERATE("Host", "content-length", "Transfer_Encoding", "Connection",
                                    "X-Session-Name", "x.session.name", "X-Keepsake-Assertion",
                                    "Set-Cookie", "X-Session-Set", "X-Forwarded-For", "Upgrade");
  RouteConfig route = backend_route();
  route.rewrite.set_request_headers = {{name, "x"}};
  route.rewrite.set_response_headers = {{name, "x"}};
  route.response_headers = {{name, "x"}};
  route.rewrite.remove_request_headers = {name};
  route.rewrite.remove_response_headers = {name};
  const RouteRules rules{with_session_header(), route};
  CAPTURE(name);
  CHECK(rules.request_lines.empty());
  CHECK(rules.request_names.empty());
  CHECK(rules.lines.empty());
  CHECK(rules.backend_lines.empty());
  CHECK(rules.response_names.empty());
  CHECK_FALSE(rules.adds_lines);
}

TEST_CASE("Vary is the session's where there is one", "[server][rules]") {
  RouteConfig route = backend_route();
  route.response_headers = {{"Vary", "Accept"}};
  CHECK(RouteRules(Config{}, route).lines.empty());
  route.session = false;
  CHECK(RouteRules(Config{}, route).lines == "Vary: Accept\r\n");
}

TEST_CASE("names of headers are compared after folding", "[server][rules]") {
  HeaderNames names;
  names.add("X-Powered-By");
  CHECK(names.has("x-powered-by"));
  CHECK(names.has("X_POWERED.BY"));
  CHECK_FALSE(names.has("X-Powered-B"));
  CHECK_FALSE(names.has("X-Powered-By2"));
}

TEST_CASE("a rate rule is the same over reloads while it and its route are", "[server][rules]") {
  RouteConfig route = backend_route();
  RateLimit limit;
  limit.requests = 5;
  route.rate_limits = {limit};
  const auto id = [](const RouteConfig& r) { return RouteRules(Config{}, r).rates.front().id; };
  const std::uint64_t before = id(route);
  RouteConfig same = route;
  same.backend = 3;
  same.timeouts.response = Seconds{1};
  CHECK(id(same) == before);
  RouteConfig path = route;
  path.path = "/x/*";
  RouteConfig host = route;
  host.host = "a";
  RouteConfig method = route;
  method.methods = {"GET"};
  RouteConfig number = route;
  number.rate_limits.front().requests = 6;
  for (const RouteConfig& other : {path, host, method, number}) {
    CHECK(id(other) != before);
  }
}
