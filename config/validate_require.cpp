// The rules for routes that need a session: the required values can be there and are no claims of
// the visitor, and `else` leads to a page that needs no session.

#include <algorithm>
#include <set>

#include "config/require.hpp"
#include "config/validate.hpp"
#include "http/safe_location.hpp"

namespace keepsake {
namespace {

constexpr std::size_t max_required = 32;
constexpr std::size_t max_values = 256;

// Whether a `set` route writes the key: then its value is what the visitor says.
bool is_claimed(const Config& config, const std::string& key) {
  return std::any_of(config.routes.begin(), config.routes.end(), [&](const RouteConfig& route) {
    return std::any_of(route.set.begin(), route.set.end(),
                       [&](const SetField& field) { return field.key == key; });
  });
}

void validate_keys(const Config& config, const RouteConfig& route, const std::string& place,
                   Report& report) {
  if (route.require.size() > max_required) {
    report.problem(place, "are more than " + std::to_string(max_required));
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < route.require.size(); ++i) {
    const Requirement& required = route.require[i];
    const std::string& key = required.key;
    const bool listed = report.has(join_path(place, i));
    const std::string path = listed ? join_path(place, i) : join_path(place, key);
    if (report.is_bad(path)) {
      continue;
    }
    if (key.empty() || key.size() > 255) {
      report.problem(path, "expected a session key, 1 to 255 bytes");
    } else if (!seen.insert(key).second) {
      report.problem(path, path_step(key) + " stands in this list already");
    } else if (required.values.size() > max_values) {
      report.problem(path, "has more than " + std::to_string(max_values) + " values");
    } else if (std::find(required.values.begin(), required.values.end(), "") !=
               required.values.end()) {
      report.problem(path, "no session has an empty value");
    } else if (is_claimed(config, key) && !required.values.empty()) {
      report.problem(path, "a set route writes " + path_step(key) +
                               ", so that every visitor can claim one of these values");
    } else if (is_claimed(config, key)) {
      report.warning(
          path, "a set route writes " + path_step(key) + ": its value is the visitor's own claim");
    }
  }
}

bool takes_get(const RouteConfig& route) {
  return route.methods.empty() ||
         std::find(route.methods.begin(), route.methods.end(), "GET") != route.methods.end();
}

// Where `else` leads: to a page that some route has, and that can be had without a session.
void validate_else_path(const Config& config, const RouteConfig& route, const std::string& place,
                        Report& report) {
  const std::string_view path =
      std::string_view{route.otherwise}.substr(0, route.otherwise.find_first_of("?#"));
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const RouteConfig& other = config.routes[i];
    const bool same_host = !other.host || !route.host || other.host == route.host;
    if (!same_host || !takes_path(other.path, path)) {
      continue;
    }
    const bool is_action =
        other.kind == RouteConfig::Kind::Set || other.kind == RouteConfig::Kind::Clear;
    if (takes_get(other) && !other.require.empty()) {
      report.problem(place, "leads to " + join_path("routes", i) + " (" + other.path +
                                "), which has require itself: visitors would never arrive");
      return;
    }
    if (takes_get(other) && other.kind == RouteConfig::Kind::Clear) {
      report.problem(place, "leads to a clear route, expected a page");
      return;
    }
    if (is_action) {
      break;  // 405 for GET
    }
    if (takes_get(other) && (!other.host || other.host == route.host)) {
      return;
    }
  }
  report.problem(place, "no route takes GET " + std::string{path});
}

void validate_else(const Config& config, const RouteConfig& route, const std::string& place,
                   Report& report) {
  if (route.otherwise.empty()) {
    if (report.has(place) && !report.is_bad(place)) {
      report.problem(place, "is empty, expected a path, as in /login");
    }
    return;
  }
  if (route.require.empty()) {
    report.problem(place, "stands without require, which would send visitors there");
  } else if (!is_safe_location(route.otherwise)) {
    report.problem(place, "expected a path of this host that starts with one /, as in /login");
  } else {
    validate_else_path(config, route, place, report);
  }
}

void validate_place(const RouteConfig& route, const std::string& place, Report& report) {
  if (route.kind == RouteConfig::Kind::Redirect) {
    report.problem(place, "a route that only redirects looks at no session");
  } else if (!route.session) {
    report.problem(place, "this route has session: false, so nobody has a session here");
  }
}

void warn_of_no_way_there(const Config& config, Report& report) {
  if (has_else(config)) {
    return;
  }
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    if (config.routes[i].leads == RouteConfig::Leads::Return) {
      report.warning(join_path("routes", i) + ".redirect",
                     "no route has else, so that this always leads to /");
    }
  }
  for (const SessionHeader& header : config.session.headers) {
    if (header.source == SessionHeader::Source::Return) {
      report.warning(join_path("session.headers", header.name),
                     "no route has else, so that no page is ever kept");
    }
  }
}

}  // namespace

void validate_require(const Config& config, Report& report) {
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const RouteConfig& route = config.routes[i];
    const std::string place = join_path("routes", i);
    if (!route.require.empty() && !report.is_bad(place + ".require")) {
      validate_place(route, place + ".require", report);
    }
    if (!route.require.empty() && !report.is_bad(place + ".require")) {
      validate_keys(config, route, place + ".require", report);
    }
    validate_else(config, route, place + ".else", report);
  }
  warn_of_no_way_there(config, report);
  const std::string name = return_cookie_name(config.session.cookie);
  for (std::size_t i = 0; i < config.session.cookie.previous.size(); ++i) {
    if (has_else(config) && config.session.cookie.previous[i].name == name) {
      report.problem(join_path("session.cookie.previous", i) + ".name",
                     "is the name of the return cookie, which goes with else");
    }
  }
}

}  // namespace keepsake
