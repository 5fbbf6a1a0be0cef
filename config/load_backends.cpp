// backends: and routes: of the configuration.

#include <algorithm>
#include <array>

#include "config/did_you_mean.hpp"
#include "config/load_parts.hpp"
#include "http/chars.hpp"

namespace keepsake {
namespace {

constexpr std::string_view server_forms = "http://host:port, https://host:port or unix:/path";

// "http://host[:port][/]" into the parts of `server`; one sentence, or nothing when all is well.
std::string parse_server_url(std::string_view url, ServerConfig& server) {
  if (!url.starts_with("unix:")) {
    server.tls = url.starts_with("https://");
    if (!server.tls && !url.starts_with("http://")) {
      return "expected " + std::string{server_forms};
    }
    url.remove_prefix(server.tls ? 8 : 7);
    if (url.ends_with('/')) {
      url.remove_suffix(1);
    }
    if (url.find_first_of("/?#") != std::string_view::npos) {
      return "a server is a place, not a page: nothing may follow host and port";
    }
    if (url.find('@') != std::string_view::npos) {
      return "user and password have no place here";
    }
  }
  std::string text{url};
  const std::size_t close = text.rfind(']');
  const bool port = text.find(':', close == std::string::npos ? 0 : close) != std::string::npos;
  if (!port) {
    text += server.tls ? ":443" : ":80";
  }
  std::string error;
  const auto address = parse_socket_address(text, error);
  if (!address) {
    return error;
  }
  server.address = *address;
  if (address->kind == SocketAddress::Kind::Tcp && address->port == 0) {
    return "nothing can be reached at port 0";
  }
  return {};
}

void load_server(const Value& value, std::vector<ServerConfig>& servers) {
  const auto url = value.text(server_forms);
  if (!url) {
    return;
  }
  ServerConfig server;
  server.url = *url;
  if (const std::string error = parse_server_url(*url, server); !error.empty()) {
    value.fail(value.quote(*url) + " is no server: " + error);
    return;
  }
  servers.push_back(std::move(server));
}

void load_host(const Value& value, HostHeader& host) {
  const auto text = value.text("preserve, backend or a host to send");
  if (!text) {
    return;
  }
  if (*text == "preserve") {
    host.mode = HostHeader::Mode::Preserve;
  } else if (*text == "backend") {
    host.mode = HostHeader::Mode::Backend;
  } else {
    host.mode = HostHeader::Mode::Literal;
    host.literal = *text;
  }
}

void load_health_check(const Value& value, HealthCheckConfig& check) {
  constexpr Millis hour = std::chrono::hours{1};
  Section section{value};
  section.text("path", check.path);
  section.duration("interval", check.interval, Millis{100}, hour);
  section.duration("timeout", check.timeout, Millis{10}, hour);
  section.number("healthy", check.healthy, 1U, 1000U);
  section.number("unhealthy", check.unhealthy, 1U, 1000U);
  section.finish();
}

void load_assertion(const Value& value, std::optional<Secret>& assertion) {
  Section section{value};
  if (const auto secret = section.find("secret")) {
    load_secret(*secret, false, assertion.emplace());
  } else if (section.is_map()) {
    section.fail("secret is missing, expected for example secret: {env: ASSERTION_KEY}");
  }
  section.finish();
}

void load_backend(const Value& value, BackendConfig& backend) {
  constexpr std::array<std::string_view, 3> balances{"round_robin", "least_requests",
                                                     "session_hash"};
  constexpr Millis day = std::chrono::hours{24};
  Section section{value};
  if (const auto servers = section.find("servers")) {
    for (const Value& item : servers->items("servers, as in [http://127.0.0.1:8081]")) {
      load_server(item, backend.servers);
    }
  }
  section.choice("balance", backend.balance, balances);
  if (const auto host = section.find("host")) {
    load_host(*host, backend.host);
  }
  section.boolean("writes_session", backend.writes_session);
  if (const auto assertion = section.find_optional("assertion")) {
    load_assertion(*assertion, backend.assertion);
  }
  if (const auto keepalive = section.find("keepalive")) {
    Section inner{*keepalive};
    inner.number("idle", backend.keepalive_idle, 0U, 100'000U);
    inner.duration("idle_timeout", backend.keepalive_idle_timeout, Millis{1}, day);
    inner.finish();
  }
  if (const auto retry = section.find("retry")) {
    Section inner{*retry};
    inner.number("attempts", backend.retry_attempts, 1U, 10U);
    inner.finish();
  }
  if (const auto check = section.find_optional("health_check")) {
    load_health_check(*check, backend.health_check.emplace());
  }
  if (const auto ejection = section.find("ejection")) {
    Section inner{*ejection};
    inner.number("failures", backend.ejection_failures, 1U, 1'000'000U);
    inner.duration("for", backend.ejection_time, Millis{1}, day);
    inner.finish();
  }
  section.finish();
}

// In lower case, as hosts are compared.
void load_route_host(const Value& value, RouteConfig& route) {
  auto text = value.text("a host name");
  if (!text) {
    return;
  }
  std::transform(text->begin(), text->end(), text->begin(), to_lower);
  route.host = std::move(*text);
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
  const auto session = section.find("session");
  if (session) {
    read(*session, route.session);
  }
  section.finish();
  if (!section.is_map()) {
    return;
  }
  if (!value.reading().report.has(join_path(value.path(), "path"))) {
    section.fail("path is missing, expected for example path: /setName");
  }
  const int things = int{set.has_value()} + int{clear.has_value()} + int{backend.has_value()};
  if (things != 1) {
    section.fail(
        std::string{things == 0 ? "does not say what to do" : "says several things to do"} +
        ", expected exactly one of set, clear and backend");
  }
  if (set) {
    route.kind = RouteConfig::Kind::Set;
    load_set(*set, route);
  } else if (clear) {
    route.kind = RouteConfig::Kind::Clear;
    load_clear(*clear);
  } else if (backend) {
    load_route_backend(*backend, backends, route);
    if (redirect) {
      redirect->fail("only a set or clear route redirects");
    }
    return;
  }
  if (route.methods.empty()) {
    route.methods =
        set ? std::vector<std::string>{"POST"} : std::vector<std::string>{"GET", "POST"};
  }
  if (!redirect) {
    route.redirect = "/";
  }
  if (session) {
    session->fail("only a backend route can do without the session");
  }
}

}  // namespace

void load_backends(const Value& value, std::vector<BackendConfig>& backends) {
  for (const auto& [name, backend] : read_names(value, "a map of names to backends")) {
    backends.emplace_back().name = name;
    load_backend(backend, backends.back());
  }
}

void load_routes(const Value& value, const std::vector<BackendConfig>& backends,
                 std::vector<RouteConfig>& routes) {
  for (const Value& item : value.items("routes, as in - {path: \"/*\", backend: app}")) {
    load_route(item, backends, routes.emplace_back());
  }
}

}  // namespace keepsake
