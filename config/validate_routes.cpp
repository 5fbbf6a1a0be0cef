// The rules for routes: what their paths may be, and that none hides another by mistake.

#include <algorithm>

#include "config/validate.hpp"
#include "http/chars.hpp"
#include "http/fold_path.hpp"
#include "http/target.hpp"

namespace keepsake {
namespace {

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

void validate_path(const RouteConfig& route, const std::string& place, Report& report) {
  const std::string& path = route.path;
  if (!path.starts_with('/')) {
    report.problem(place, "expected a path that starts with /");
    return;
  }
  if (!is_visible_ascii(path) || path.find_first_of("?#") != std::string::npos) {
    report.problem(place,
                   "expected a path in printable ASCII without ? and #; other bytes are "
                   "written %XX, and the query is not looked at");
    return;
  }
  std::string_view stem = path;
  if (stem.ends_with("/*")) {
    stem.remove_suffix(1);
  }
  if (stem.find('*') != std::string_view::npos) {
    report.problem(place, "* stands at the end only, after a /, as in /static/*");
    return;
  }
  std::string scratch;
  const auto normal = normalise_path(stem, scratch);
  if (!normal) {
    report.problem(place, "this path leaves the root");
  } else if (*normal != stem) {
    report.problem(place,
                   "no request would match: requests are compared in normal form, expected " +
                       std::string{*normal} + (path.ends_with('*') ? "*" : ""));
  }
}

bool is_action(const RouteConfig& route) {
  return route.kind == RouteConfig::Kind::Set || route.kind == RouteConfig::Kind::Clear;
}

bool only_reads(const RouteConfig& route) {
  return route.kind == RouteConfig::Kind::Show || route.kind == RouteConfig::Kind::Health;
}

void validate_methods(const RouteConfig& route, const std::string& place, Report& report) {
  static constexpr std::string_view known[] = {"GET",     "HEAD",  "POST",  "PUT",    "DELETE",
                                               "OPTIONS", "PATCH", "TRACE", "CONNECT"};
  for (std::size_t i = 0; i < route.methods.size(); ++i) {
    const std::string& method = route.methods[i];
    const std::string item = join_path(place, i);
    std::string upper = method;
    for (char& c : upper) {
      c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    if (!is_token(method)) {
      report.problem(item, "is no HTTP method, expected for example GET");
    } else if (upper != method &&
               std::find(std::begin(known), std::end(known), upper) != std::end(known)) {
      report.problem(item, "methods are case-sensitive, expected " + upper);
    } else if (method == "CONNECT" || method == "TRACE") {
      report.problem(item, method + " is answered with 405 on every route");
    } else if (is_action(route) && (method == "HEAD" || method == "OPTIONS")) {
      report.problem(item, method + " must not change anything, so no set or clear route takes it");
    } else if (only_reads(route) && method != "GET" && method != "HEAD") {
      report.problem(item, "a show or health route takes GET and HEAD");
    } else if (route.kind == RouteConfig::Kind::Set && (method == "GET" || method == "DELETE")) {
      report.problem(item, method + " carries no form; a set route takes POST, PUT or PATCH");
    } else if (std::find(route.methods.begin(),
                         route.methods.begin() + static_cast<std::ptrdiff_t>(i),
                         method) != route.methods.begin() + static_cast<std::ptrdiff_t>(i)) {
      report.problem(item, method + " is in the list already");
    }
  }
}

void validate_redirect(const std::string& redirect, const std::string& place, Report& report) {
  if (!is_visible_ascii(redirect)) {
    report.problem(place, "expected a URL in printable ASCII; other bytes are written %XX");
  } else if (redirect.starts_with("//") || redirect.starts_with("/\\")) {
    report.problem(place,
                   "browsers take this for another host; write https://HOST/PATH if it is meant");
  } else if (!redirect.starts_with('/') && !redirect.starts_with("http://") &&
             !redirect.starts_with("https://")) {
    report.problem(place, "expected a path that starts with /, or an http:// or https:// URL");
  }
}

// A route that is a redirect and nothing else.
void validate_redirect_route(const RouteConfig& route, const std::string& place, Report& report) {
  const std::string_view redirect = route.redirect;
  const std::string_view path = redirect.substr(0, redirect.find_first_of("?#"));
  if (path.ends_with("/*") && !route.path.ends_with("/*")) {
    report.problem(place, "ends in /*, which stands for what the /* of the route's path took");
  } else if (path.starts_with('/') && takes_path(route.path, path)) {
    report.problem(place, "leads to this route again");
  }
}

bool is_text_without_controls(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

void validate_set(const RouteConfig& route, const std::string& place, Report& report) {
  if (route.set.empty()) {
    report.problem(place, "sets nothing, expected for example {myName: name}");
  }
  for (const SetField& mapping : route.set) {
    const std::string path = join_path(place, mapping.key);
    if (mapping.key.empty() || mapping.key.size() > 255 || !is_text_without_controls(mapping.key)) {
      report.problem(path, "a session key is 1 to 255 bytes without control characters");
    }
    if (mapping.field.empty() || !is_text_without_controls(mapping.field)) {
      report.problem(path, "expected the name of a form field");
    }
  }
}

void validate_show(const SessionConfig& session, const RouteConfig& route, const std::string& place,
                   Report& report) {
  if (route.show.size() > session.max_values) {
    report.problem(place, "are more than session.max_values (" +
                              std::to_string(session.max_values) + "), which no session has");
  }
  for (auto key = route.show.begin(); key != route.show.end(); ++key) {
    const std::string path = join_path(place, static_cast<std::size_t>(key - route.show.begin()));
    if (key->empty() || key->size() > 255) {
      report.problem(path, "expected a session key, 1 to 255 bytes");
    } else if (std::find(route.show.begin(), key, *key) != key) {
      report.problem(path, path_step(*key) + " stands in this list already");
    }
  }
}

// True if every request that `later` could take is decided by `earlier`.
bool hides(const RouteConfig& earlier, const RouteConfig& later) {
  if (earlier.host && earlier.host != later.host) {
    return false;
  }
  const std::string_view stem = std::string_view{earlier.path}.substr(
      0, earlier.path.ends_with("/*") ? earlier.path.size() - 1 : earlier.path.size());
  const bool same = earlier.path == later.path;
  const bool below =
      earlier.path.ends_with("/*") && (later.path.starts_with(stem) || later.path + "/" == stem);
  if (!same && !below) {
    return false;
  }
  // An action ends the search whatever the method (405); a backend route is passed over.
  if (is_action(earlier) || earlier.methods.empty()) {
    return true;
  }
  return !later.methods.empty() &&
         std::all_of(later.methods.begin(), later.methods.end(), [&](const std::string& method) {
           return std::find(earlier.methods.begin(), earlier.methods.end(), method) !=
                  earlier.methods.end();
         });
}

// True if `guarded` refuses clients, and every request that `other` could take is, in folded form,
// one of its: they are all answered 400.
bool blocks(const RouteConfig& guarded, const RouteConfig& other) {
  if ((guarded.allow.empty() && guarded.deny.empty() && guarded.require.empty()) ||
      !guarded.methods.empty() || (guarded.host && guarded.host != other.host)) {
    return false;
  }
  const std::string pattern = fold_pattern(guarded.path);
  std::string path = fold_pattern(other.path);
  if (path.ends_with("/*")) {
    if (!pattern.ends_with("/*")) {
      return false;
    }
    path.resize(path.size() - 2);
  }
  return takes_path(pattern, path);
}

}  // namespace

bool takes_path(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*")) {
    return pattern == path;
  }
  pattern.remove_suffix(2);
  return path.starts_with(pattern) &&
         (path.size() == pattern.size() || path[pattern.size()] == '/');
}

void validate_routes(const Config& config, Report& report) {
  if (config.routes.empty() && !report.is_bad("routes")) {
    report.warning("routes", "there are no routes: every request is answered 404");
  }
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const RouteConfig& route = config.routes[i];
    const std::string place = join_path("routes", i);
    if (report.has(place + ".path")) {
      validate_path(route, place + ".path", report);
    }
    if (route.host && !is_host(*route.host)) {
      report.problem(place + ".host",
                     "expected one host name without a port, as in app.example.com");
    }
    validate_methods(route, place + ".methods", report);
    if (is_action(route) || route.kind == RouteConfig::Kind::Redirect) {
      validate_redirect(route.redirect, place + ".redirect", report);
    }
    if (route.kind == RouteConfig::Kind::Redirect) {
      validate_redirect_route(route, place + ".redirect", report);
    }
    if (route.kind == RouteConfig::Kind::Verify && config.trusted_proxies.empty() &&
        !config.trust_unix) {
      report.problem(
          place + ".verify",
          "needs trusted_proxies: the proxy in front, which says what its client asked for");
    }
    if (route.kind == RouteConfig::Kind::Show) {
      validate_show(config.session, route, place + ".show", report);
    }
    if (route.kind == RouteConfig::Kind::Set) {
      validate_set(route, place + ".set", report);
    }
    validate_overrides(config, route, place, report);
    validate_rewrite(config, route, place, report);
    for (std::size_t j = 0; j < i; ++j) {
      if (!report.is_bad(place) && hides(config.routes[j], route)) {
        report.warning(place, "is never reached: " + join_path("routes", j) + " (" +
                                  config.routes[j].path + ") takes its requests first");
        break;
      }
      if (!report.is_bad(place) && blocks(config.routes[j], route)) {
        report.warning(place, "answers 400 to every request: its path is another spelling of " +
                                  config.routes[j].path + ", which " + join_path("routes", j) +
                                  " guards");
        break;
      }
    }
  }
}

}  // namespace keepsake
