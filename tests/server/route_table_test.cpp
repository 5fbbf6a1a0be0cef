#include "server/route_table.hpp"

#include "support/catch.hpp"

using namespace keepsake;
using Outcome = RouteTable::Outcome;

namespace {

RouteConfig backend(std::string path, std::vector<std::string> methods = {}) {
  RouteConfig route;
  route.path = std::move(path);
  route.methods = std::move(methods);
  return route;
}

RouteConfig action(std::string path, std::vector<std::string> methods) {
  RouteConfig route = backend(std::move(path), std::move(methods));
  route.kind = RouteConfig::Kind::Set;
  return route;
}

RouteConfig at(std::string host, RouteConfig route) {
  route.host = std::move(host);
  return route;
}

// The index of the route that is found, or -1.
int found(const std::vector<RouteConfig>& routes, std::string_view path,
          std::string_view method = "GET", std::string_view host = "a") {
  const RouteTable table{routes};
  const RouteTable::Match match = table.find(host, path, method);
  return match.outcome == Outcome::Found ? static_cast<int>(match.route - routes.data()) : -1;
}

}  // namespace

TEST_CASE("the first matching route wins, exact or prefix", "[server][routes]") {
  CHECK(found({backend("/a"), backend("/*")}, "/a") == 0);
  CHECK(found({backend("/*"), backend("/a")}, "/a") == 0);
  CHECK(found({backend("/a/*"), backend("/a/b/*"), backend("/*")}, "/a/b/c") == 0);
  CHECK(found({backend("/a/b/*"), backend("/a/*"), backend("/*")}, "/a/x") == 1);
  CHECK(found({backend("/a"), backend("/a")}, "/a") == 0);
}

TEST_CASE("a prefix ends at a segment", "[server][routes]") {
  const std::vector<RouteConfig> routes = {backend("/x/*")};
  CHECK(found(routes, "/x") == 0);
  CHECK(found(routes, "/x/") == 0);
  CHECK(found(routes, "/x/y") == 0);
  CHECK(found(routes, "/xy") == -1);
  CHECK(found(routes, "/X/y") == -1);
  CHECK(found(routes, "/") == -1);
  CHECK(found({backend("/*")}, "/") == 0);
  CHECK(found({backend("/*")}, "/a/b") == 0);
}

TEST_CASE("an exact path is itself alone", "[server][routes]") {
  const std::vector<RouteConfig> routes = {backend("/a")};
  CHECK(found(routes, "/a") == 0);
  CHECK(found(routes, "/a/") == -1);
  CHECK(found(routes, "//a") == -1);
  CHECK(found(routes, "/A") == -1);
}

TEST_CASE("a host narrows a route", "[server][routes]") {
  const std::vector<RouteConfig> routes = {at("b.example", backend("/*")), backend("/a")};
  CHECK(found(routes, "/a", "GET", "b.example") == 0);
  CHECK(found(routes, "/a", "GET", "a.example") == 1);
  CHECK(found(routes, "/b", "GET", "a.example") == -1);
  CHECK(found(routes, "/a", "GET", "") == 1);
}

TEST_CASE("a backend route with other methods is passed over", "[server][routes]") {
  const std::vector<RouteConfig> routes = {backend("/*", {"GET"}), backend("/*", {"POST", "GET"}),
                                           backend("/*", {"PUT"})};
  CHECK(found(routes, "/", "GET") == 0);
  CHECK(found(routes, "/", "POST") == 1);
  const RouteTable table{routes};
  const RouteTable::Match match = table.find("a", "/", "DELETE");
  CHECK(match.outcome == Outcome::MethodNotAllowed);
  CHECK(match.allow == "GET, POST, PUT");
}

TEST_CASE("an action whose path matches ends the search", "[server][routes]") {
  const std::vector<RouteConfig> routes = {action("/set", {"POST"}), backend("/*")};
  CHECK(found(routes, "/set", "POST") == 0);
  const RouteTable table{routes};
  for (const char* method : {"GET", "HEAD", "OPTIONS", "post"}) {
    const RouteTable::Match match = table.find("a", "/set", method);
    CHECK(match.outcome == Outcome::MethodNotAllowed);
    CHECK(match.allow == "POST");
    CHECK(match.route == &routes[0]);
  }
  CHECK(found(routes, "/set/", "GET") == 1);
  // behind a route that matches it is not reached
  const std::vector<RouteConfig> behind = {backend("/*"), action("/set", {"POST"})};
  CHECK(found(behind, "/set", "GET") == 0);
}

TEST_CASE("an action of another host does not end the search", "[server][routes]") {
  const std::vector<RouteConfig> routes = {at("b", action("/set", {"POST"})), backend("/*")};
  CHECK(found(routes, "/set", "GET", "a") == 1);
}

TEST_CASE("nothing matching is not found", "[server][routes]") {
  const std::vector<RouteConfig> none;
  CHECK(RouteTable{none}.find("a", "/", "GET").outcome == Outcome::NotFound);
}

TEST_CASE("many prefixes of one path are all considered", "[server][routes]") {
  std::vector<RouteConfig> routes;
  std::string path;
  for (int i = 0; i < 100; ++i) {
    path += "/p";
    routes.push_back(at("other", backend(path + "/*")));
  }
  routes.push_back(backend(path + "/*"));
  CHECK(found(routes, path + "/x") == 100);
}
