// routes: of the configuration.

#include <algorithm>
#include <array>

#include "config/did_you_mean.hpp"
#include "config/load_parts.hpp"
#include "http/host.hpp"

namespace keepsake {
namespace {

// In the form in which hosts are compared.
void load_route_host(const Value& value, RouteConfig& route) {
  auto text = value.text("a host name");
  if (!text) {
    return;
  }
  if (text->ends_with('.')) {
    value.fail("expected one host name without a port, as in app.example.com");
    return;
  }
  fold_host(*text, route.host.emplace());
}

void load_methods(const Value& value, RouteConfig& route) {
  for (const Value& item : value.items("methods, as in [GET, POST]")) {
    std::string method;
    read(item, method);
    route.methods.push_back(std::move(method));
  }
  if (route.methods.empty() && value.is_list()) {
    value.fail("an empty list matches nothing; leave the key out to take the default");
  }
}

void load_set(const Value& value, RouteConfig& route) {
  for (const auto& [key, field] :
       read_names(value, "a map of session keys to form fields, as in {myName: name}")) {
    SetField mapping;
    mapping.key = key;
    read(field, mapping.field);
    route.set.push_back(std::move(mapping));
  }
}

// clear and health.
void load_true(const Value& value) {
  bool on = true;
  read(value, on);
  if (!on) {
    value.fail("false does nothing, expected true, or another key that says what to do");
  }
}

void load_show(const Value& value, RouteConfig& route) {
  for (const Value& item : value.items("session keys, as in [user]")) {
    read(item, route.show.emplace_back());
  }
  if (route.show.empty() && value.is_list()) {
    value.fail("an empty list shows nothing, expected session keys, as in [user]");
  }
}

void load_verify(const Value& value, RouteConfig& route) {
  constexpr std::array<std::string_view, 2> words{"true", "status"};
  route.verify_status = read_word(value, words) == 1U;
}

void load_remember(const Value& value, RememberConfig& remember) {
  Section section{value};
  section.text("field", remember.field);
  section.duration("lifetime", remember.lifetime, Seconds{1}, kLongestCookie);
  section.finish();
  const Report& report = value.reading().report;
  if (section.is_map() && (!report.has(join_path(value.path(), "field")) ||
                           !report.has(join_path(value.path(), "lifetime")))) {
    section.fail("needs a field and a lifetime, as in {field: stay, lifetime: 30d}");
  }
}

void load_status(const Value& value, RouteConfig& route) {
  constexpr std::array<std::string_view, 5> words{"301", "302", "303", "307", "308"};
  constexpr std::array<unsigned, 5> statuses{301, 302, 303, 307, 308};
  if (const auto index = read_word(value, words)) {
    route.status = statuses[*index];
  }
}

void load_route_backend(const Value& value, const std::vector<BackendConfig>& backends,
                        RouteConfig& route) {
  const auto name = value.text("the name of a backend");
  if (!name) {
    return;
  }
  const auto found = std::find_if(backends.begin(), backends.end(),
                                  [&](const BackendConfig& b) { return b.name == *name; });
  if (found != backends.end()) {
    route.backend = static_cast<std::size_t>(found - backends.begin());
    return;
  }
  std::vector<std::string_view> names;
  for (const BackendConfig& backend : backends) {
    names.push_back(backend.name);
  }
  // Without any backend the missing section is the one mistake.
  if (!backends.empty()) {
    value.fail(value.quote(*name) + " is no backend of this file" + did_you_mean(*name, names));
  }
}

// The keys of which one says what a route does, and those that belong to some of them.
struct Purpose {
  explicit Purpose(Section& section)
      : set(section.find("set")),
        clear(section.find("clear")),
        show(section.find("show")),
        health(section.find("health")),
        verify(section.find("verify")),
        backend(section.find("backend")),
        redirect(section.find("redirect")),
        status(section.find("status")),
        renew(section.find("renew")),
        remember(section.find("remember")),
        session(section.find("session")),
        touch(section.find("touch")),
        cross_site(section.find("cross_site")) {}

  int count() const {
    return int{set.has_value()} + int{clear.has_value()} + int{show.has_value()} +
           int{health.has_value()} + int{verify.has_value()} + int{backend.has_value()};
  }
  bool only_redirects() const { return count() == 0 && redirect.has_value(); }

  std::optional<Value> set, clear, show, health, verify, backend;
  std::optional<Value> redirect, status, renew, remember, session, touch, cross_site;
};

void load_purpose(const Purpose& purpose, const std::vector<BackendConfig>& backends,
                  RouteConfig& route) {
  using Kind = RouteConfig::Kind;
  if (purpose.set) {
    route.kind = Kind::Set;
    load_set(*purpose.set, route);
  } else if (purpose.clear) {
    route.kind = Kind::Clear;
    load_true(*purpose.clear);
  } else if (purpose.show) {
    route.kind = Kind::Show;
    load_show(*purpose.show, route);
  } else if (purpose.health) {
    route.kind = Kind::Health;
    load_true(*purpose.health);
  } else if (purpose.verify) {
    route.kind = Kind::Verify;
    load_verify(*purpose.verify, route);
  } else if (purpose.backend) {
    load_route_backend(*purpose.backend, backends, route);
  } else if (purpose.redirect) {
    route.kind = Kind::Redirect;
  }
}

bool is_action(const RouteConfig& route) {
  return route.kind == RouteConfig::Kind::Set || route.kind == RouteConfig::Kind::Clear;
}

// Keys that say nothing on a route of this kind.
void refuse_misplaced(const Purpose& purpose, const RouteConfig& route) {
  using Kind = RouteConfig::Kind;
  const auto refuse = [](const std::optional<Value>& key, bool fits, std::string_view why) {
    if (key && !fits) {
      key->fail(std::string{why});
    }
  };
  const bool uses_session =
      route.kind == Kind::Backend || route.kind == Kind::Show || route.kind == Kind::Verify;
  refuse(purpose.renew, route.kind == Kind::Set, "only a set route renews the session");
  refuse(purpose.remember, route.kind == Kind::Set,
         "only the form of a set route has such a field");
  refuse(purpose.redirect, is_action(route) || route.kind == Kind::Redirect,
         "only a set or clear route redirects");
  refuse(purpose.status, route.kind == Kind::Redirect,
         "only a route that is a redirect and nothing else has a status");
  refuse(purpose.session, route.kind == Kind::Backend,
         "only a backend route can do without the session");
  refuse(purpose.touch, uses_session && route.session,
         "only a backend, show or verify route that has a session can use it without a touch");
  refuse(purpose.cross_site, route.kind == Kind::Backend,
         "only a backend route can pass requests from other sites on");
}

// What an action leads to, or a redirect.
void load_target(const Value& value, RouteConfig& route) {
  read(value, route.redirect);
  if (is_action(route) && (route.redirect == "return" || route.redirect == "back")) {
    route.leads = route.redirect == "back" ? RouteConfig::Leads::Back : RouteConfig::Leads::Return;
    route.redirect = "/";
  }
}

void load_details(const Purpose& purpose, RouteConfig& route) {
  constexpr std::array<std::string_view, 2> from_others{"pass", "refuse"};
  if (purpose.redirect) {
    load_target(*purpose.redirect, route);
  }
  if (purpose.status) {
    load_status(*purpose.status, route);
  }
  if (purpose.renew) {
    read(*purpose.renew, route.renew);
  }
  if (purpose.remember && route.kind == RouteConfig::Kind::Set) {
    load_remember(*purpose.remember, route.remember.emplace());
  }
  if (purpose.session) {
    read(*purpose.session, route.session);
  }
  if (purpose.touch) {
    read(*purpose.touch, route.touch);
  }
  if (purpose.cross_site) {
    route.refuses_cross_site = read_word(*purpose.cross_site, from_others) == 1U;
  }
}

void set_defaults(RouteConfig& route) {
  using Kind = RouteConfig::Kind;
  if (route.kind == Kind::Redirect || route.kind == Kind::Health) {
    route.session = false;
  }
  if (route.methods.empty()) {
    switch (route.kind) {
      case Kind::Set:
        route.methods = {"POST"};
        break;
      case Kind::Clear:
        route.methods = {"GET", "POST"};
        break;
      case Kind::Show:
      case Kind::Health:
        route.methods = {"GET", "HEAD"};
        break;
      case Kind::Redirect:
      case Kind::Verify:
      case Kind::Backend:
        break;
    }
  }
  if (is_action(route) && route.redirect.empty()) {
    route.redirect = "/";
  }
}

void load_route(const Value& value, const std::vector<BackendConfig>& backends,
                RouteConfig& route) {
  Section section{value};
  const Purpose purpose{section};
  section.text("path", route.path);
  if (const auto host = section.find("host")) {
    load_route_host(*host, route);
  }
  if (const auto methods = section.find("methods")) {
    load_methods(*methods, route);
  }
  constexpr std::array<std::string_view, 2> abandons{"reset", "end"};
  section.choice("abandon", route.abandon, abandons);
  load_route_overrides(section, route);
  section.finish();
  if (!section.is_map()) {
    return;
  }
  if (!value.reading().report.has(join_path(value.path(), "path"))) {
    section.fail("path is missing, expected for example path: /setName");
  }
  if (purpose.count() != 1 && !purpose.only_redirects()) {
    section.fail(std::string{purpose.count() == 0 ? "does not say what to do"
                                                  : "says several things to do"} +
                 ", expected exactly one of set, clear, show, health, verify and backend, or a "
                 "redirect alone");
  }
  load_purpose(purpose, backends, route);
  load_details(purpose, route);
  refuse_misplaced(purpose, route);
  set_defaults(route);
}

}  // namespace

void load_routes(const Value& value, const std::vector<BackendConfig>& backends,
                 std::vector<RouteConfig>& routes) {
  for (const Value& item : value.items("routes, as in - {path: \"/*\", backend: app}")) {
    load_route(item, backends, routes.emplace_back());
  }
}

}  // namespace keepsake
