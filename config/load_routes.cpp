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

void load_clear(const Value& value) {
  bool clear = true;
  read(value, clear);
  if (!clear) {
    value.fail("false does nothing; a route has set, clear: true or backend");
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

void load_limits(const Value& value, RouteLimits& limits) {
  Section section{value};
  if (const auto body = section.find("body")) {
    limits.body = read_size(*body, 1, largest_body);
  }
  if (const auto form = section.find("form")) {
    limits.form = read_size(*form, 1, largest_form);
  }
  section.finish();
}

void load_timeouts(const Value& value, RouteTimeouts& timeouts) {
  Section section{value};
  const auto wait = [&](std::string_view key, std::optional<Millis>& out, Millis longest) {
    if (const auto time = section.find(key)) {
      out = read_duration(*time, shortest_wait, longest);
    }
  };
  wait("body", timeouts.body, longest_wait);
  wait("idle", timeouts.idle, longest_idle);
  wait("connect", timeouts.connect, longest_wait);
  wait("response", timeouts.response, longest_wait);
  wait("write", timeouts.write, longest_wait);
  section.finish();
}

void load_header_values(const Value& value, std::vector<HeaderValue>& headers) {
  for (const auto& [name, text] :
       read_names(value, "a map of header names to values, as in {X-Frame-Options: DENY}")) {
    HeaderValue& header = headers.emplace_back();
    header.name = name;
    read(text, header.value);
  }
}

void load_header_names(const Value& value, std::vector<std::string>& names) {
  for (const Value& item : value.items("header names, as in [X-Powered-By]")) {
    read(item, names.emplace_back());
  }
}

void load_rewrite(const Value& value, RewriteConfig& rewrite) {
  Section section{value};
  section.text("strip_prefix", rewrite.strip_prefix);
  section.text("add_prefix", rewrite.add_prefix);
  section.boolean("location", rewrite.location);
  if (const auto headers = section.find("set_request_headers")) {
    load_header_values(*headers, rewrite.set_request_headers);
  }
  if (const auto names = section.find("remove_request_headers")) {
    load_header_names(*names, rewrite.remove_request_headers);
  }
  if (const auto headers = section.find("set_response_headers")) {
    load_header_values(*headers, rewrite.set_response_headers);
  }
  if (const auto names = section.find("remove_response_headers")) {
    load_header_names(*names, rewrite.remove_response_headers);
  }
  section.finish();
}

void load_rate_limit(const Value& value, RateLimit& limit) {
  constexpr std::array<std::string_view, 2> pers{"client", "session"};
  constexpr std::uint32_t many = 1'000'000'000;
  Section section{value};
  section.choice("per", limit.per, pers);
  section.number("requests", limit.requests, 1U, many);
  section.duration("every", limit.every, shortest_wait, longest_wait);
  section.number("burst", limit.burst, 1U, many);
  section.finish();
  if (section.is_map() && !value.reading().report.has(join_path(value.path(), "requests"))) {
    section.fail("requests is missing, expected for example {requests: 10, every: 1s}");
  }
}

// One limit may be written without the list.
void load_rate_limits(Section& section, std::vector<RateLimit>& limits) {
  const auto one = section.find("rate_limit");
  const auto several = section.find("rate_limits");
  if (one) {
    load_rate_limit(*one, limits.emplace_back());
  }
  if (several) {
    for (const Value& item : several->items("limits, as in [{requests: 10, every: 1s}]")) {
      load_rate_limit(item, limits.emplace_back());
    }
  }
  if (one && several) {
    one->fail("stands beside rate_limits, expected one of the two");
  }
}

void load_addresses(Section& section, RouteConfig& route) {
  if (const auto deny = section.find("deny")) {
    load_networks(*deny, route.deny);
  }
  if (const auto allow = section.find("allow")) {
    load_networks(*allow, route.allow);
    if (allow->is_list() && allow->node().items.empty()) {
      allow->fail("an empty list says nothing; leave the key out to let everybody in");
    }
  }
}

// What any kind of route may have.
void load_overrides(Section& section, RouteConfig& route) {
  if (const auto limits = section.find("limits")) {
    load_limits(*limits, route.limits);
  }
  if (const auto timeouts = section.find("timeouts")) {
    load_timeouts(*timeouts, route.timeouts);
  }
  if (const auto rewrite = section.find("rewrite")) {
    load_rewrite(*rewrite, route.rewrite);
  }
  if (const auto headers = section.find("response_headers")) {
    load_header_values(*headers, route.response_headers);
  }
  load_rate_limits(section, route.rate_limits);
  load_addresses(section, route);
}

void refuse_renew(const std::optional<Value>& renew) {
  if (renew) {
    renew->fail("only a set route renews the session");
  }
}

void load_route(const Value& value, const std::vector<BackendConfig>& backends,
                RouteConfig& route) {
  Section section{value};
  const auto set = section.find("set");
  const auto clear = section.find("clear");
  const auto backend = section.find("backend");
  section.text("path", route.path);
  if (const auto host = section.find("host")) {
    load_route_host(*host, route);
  }
  if (const auto methods = section.find("methods")) {
    load_methods(*methods, route);
  }
  const auto redirect = section.find("redirect");
  if (redirect) {
    read(*redirect, route.redirect);
  }
  const auto status = section.find("status");
  if (status) {
    load_status(*status, route);
  }
  const auto renew = section.find("renew");
  if (renew) {
    read(*renew, route.renew);
  }
  const auto session = section.find("session");
  if (session) {
    read(*session, route.session);
  }
  constexpr std::array<std::string_view, 2> abandons{"reset", "end"};
  section.choice("abandon", route.abandon, abandons);
  load_overrides(section, route);
  section.finish();
  if (!section.is_map()) {
    return;
  }
  if (!value.reading().report.has(join_path(value.path(), "path"))) {
    section.fail("path is missing, expected for example path: /setName");
  }
  const int things = int{set.has_value()} + int{clear.has_value()} + int{backend.has_value()};
  const bool only_redirects = things == 0 && redirect.has_value();
  if (things != 1 && !only_redirects) {
    section.fail(
        std::string{things == 0 ? "does not say what to do" : "says several things to do"} +
        ", expected exactly one of set, clear and backend, or a redirect alone");
  }
  if (status && !only_redirects) {
    status->fail("only a route that is a redirect and nothing else has a status");
  }
  if (set) {
    route.kind = RouteConfig::Kind::Set;
    load_set(*set, route);
  } else if (clear) {
    route.kind = RouteConfig::Kind::Clear;
    load_clear(*clear);
    refuse_renew(renew);
  } else if (backend) {
    load_route_backend(*backend, backends, route);
    refuse_renew(renew);
    if (redirect) {
      redirect->fail("only a set or clear route redirects");
    }
    return;
  }
  if (session) {
    session->fail("only a backend route can do without the session");
  }
  if (only_redirects) {
    route.kind = RouteConfig::Kind::Redirect;
    route.session = false;
    return;
  }
  if (route.methods.empty()) {
    route.methods =
        set ? std::vector<std::string>{"POST"} : std::vector<std::string>{"GET", "POST"};
  }
  if (!redirect) {
    route.redirect = "/";
  }
}

}  // namespace

void load_routes(const Value& value, const std::vector<BackendConfig>& backends,
                 std::vector<RouteConfig>& routes) {
  for (const Value& item : value.items("routes, as in - {path: \"/*\", backend: app}")) {
    load_route(item, backends, routes.emplace_back());
  }
}

}  // namespace keepsake
