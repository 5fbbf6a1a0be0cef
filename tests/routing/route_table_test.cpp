#include "routing/route_table.hpp"

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

int index_of(const std::vector<RouteConfig>& routes, std::string_view path, std::string_view method,
             std::string_view host) {
  const RouteTable table{routes};
  const RouteTable::Match match = table.find(host, path, method);
  return match.outcome == Outcome::Found ? static_cast<int>(match.route - routes.data()) : -1;
}

// The index of the route that is found, or -1: the same whether routes are few, and looked at one
// by one, or many, and hashed.
int found(const std::vector<RouteConfig>& routes, std::string_view path,
          std::string_view method = "GET", std::string_view host = "a") {
  const int index = index_of(routes, path, method, host);
  std::vector<RouteConfig> many = routes;
  for (int i = 0; i < 40; ++i) {
    many.push_back(at("nobody.example", backend("/nobody/" + std::to_string(i))));
  }
  CHECK(index_of(many, path, method, host) == index);
  return index;
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

namespace {

RouteConfig guarded(RouteConfig route) {
  route.deny.push_back(*parse_cidr("127.0.0.0/8"));
  return route;
}

RouteConfig limited(RouteConfig route) {
  route.rate_limits.emplace_back().requests = 1;
  return route;
}

// The index of the guarded route that the folded path takes in place of the first match, or -1.
int twin(const std::vector<RouteConfig>& routes, std::string_view path,
         std::string_view method = "GET", std::string_view host = "a") {
  const RouteTable table{routes};
  const RouteTable::Match match = table.find(host, path, method);
  std::string scratch;
  const RouteConfig* route = table.guarded_twin(match.route, host, path, method, scratch);
  return route == nullptr ? -1 : static_cast<int>(route - routes.data());
}

}  // namespace

TEST_CASE("every spelling that a backend may take for a guarded path finds its guard",
          "[server][routes]") {
  const std::vector<RouteConfig> routes = {guarded(backend("/admin/*")), backend("/*")};
  for (const char* path : {"/ADMIN/x", "/Admin", "//admin/x", "/admin%2fx", "/admin%2Fx",
                           "/admin%5cx", "/admin\\x", "/admin;a/x", "/admin;", "/;x/admin/y",
                           "/a/..;/admin/x", "/a%2f..%2fadmin", "/%2fadmin", "/..;/admin"}) {
    CAPTURE(path);
    CHECK(found(routes, path) == 1);
    CHECK(twin(routes, path) == 0);
  }
  for (const char* path : {"/admin/x", "/admin", "/admin//x", "/admin/X", "/admin/a;b", "/x", "/X",
                           "/administrator", "/a/admin", "/a%2fadmin/..", "/"}) {
    CAPTURE(path);
    CHECK(twin(routes, path) == -1);
  }
}

TEST_CASE("patterns fold like paths", "[server][routes]") {
  const std::vector<RouteConfig> routes = {guarded(backend("/Admin/*")), backend("/admin/a"),
                                           guarded(backend("/x;v=1/Y")), backend("/*")};
  CHECK(twin(routes, "/Admin/x") == -1);
  CHECK(twin(routes, "/admin/x") == 0);
  CHECK(twin(routes, "/admin/a") == 0);
  CHECK(twin(routes, "/x/y") == 2);
  CHECK(twin(routes, "/x;v=1/Y") == -1);
}

TEST_CASE("host and method hold for the folded path too, and the first match wins there",
          "[server][routes]") {
  const std::vector<RouteConfig> hosts = {at("b", guarded(backend("/admin/*"))), backend("/*")};
  CHECK(twin(hosts, "/ADMIN", "GET", "a") == -1);
  CHECK(twin(hosts, "/ADMIN", "GET", "b") == 0);
  const std::vector<RouteConfig> methods = {guarded(backend("/admin/*", {"POST"})), backend("/*")};
  CHECK(twin(methods, "/ADMIN", "GET") == -1);
  CHECK(twin(methods, "/ADMIN", "POST") == 0);
  const std::vector<RouteConfig> order = {backend("/admin/open"), guarded(backend("/admin/*")),
                                          backend("/*")};
  CHECK(twin(order, "/ADMIN/open") == -1);
  CHECK(twin(order, "/ADMIN/other") == 1);
}

TEST_CASE("a guard that a path without a route would meet is found", "[server][routes]") {
  const std::vector<RouteConfig> routes = {guarded(backend("/admin/*"))};
  CHECK(found(routes, "/ADMIN") == -1);
  CHECK(twin(routes, "/ADMIN") == 0);
}

TEST_CASE("without guards the folded path is never looked at", "[server][routes]") {
  const std::vector<RouteConfig> routes = {backend("/admin/*"), backend("/*")};
  CHECK_FALSE(RouteTable{routes}.has_guards());
  CHECK(twin(routes, "/ADMIN") == -1);
  CHECK(RouteTable{{limited(backend("/admin/*"))}}.has_guards());
}

TEST_CASE("rate limits are a guard that counts, allow and deny refuse", "[server][routes]") {
  CHECK(guard_of(backend("/")) == Guard::None);
  CHECK(guard_of(limited(backend("/"))) == Guard::Rates);
  CHECK(guard_of(guarded(backend("/"))) == Guard::Refusing);
  CHECK(guard_of(guarded(limited(backend("/")))) == Guard::Refusing);
}
