// backends:, routes: and error_pages: as dump_config writes them.

#include "config/dump_parts.hpp"
#include "config/units.hpp"

namespace keepsake {
namespace {

constexpr std::string_view abandons[] = {"reset", "end"};
constexpr std::string_view balances[] = {"round_robin", "least_requests", "session_hash"};

std::string host_text(const HostHeader& host) {
  switch (host.mode) {
    case HostHeader::Mode::Preserve:
      return "preserve";
    case HostHeader::Mode::Backend:
      return "backend";
    case HostHeader::Mode::Literal:
      break;
  }
  return yaml_quoted(host.literal);
}

void dump_text_if_any(int depth, std::string_view key, const std::string& text, YamlWriter& out) {
  if (!text.empty()) {
    out.line(depth, key, yaml_quoted(text));
  }
}

// "{a: 1, b: 2}" piece by piece.
class FlowMap {
 public:
  void add(std::string_view key, const std::string& value) {
    text_.append(text_.empty() ? "" : ", ").append(key).append(": ").append(value);
  }
  bool empty() const { return text_.empty(); }
  std::string take() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

void dump_headers(int depth, std::string_view key, const std::vector<HeaderValue>& headers,
                  YamlWriter& out) {
  if (!headers.empty()) {
    out.line(depth, key);
  }
  for (const HeaderValue& header : headers) {
    out.line(depth + 1, yaml_scalar(header.name), yaml_quoted(header.value));
  }
}

void dump_names(std::string_view key, const std::vector<std::string>& names, YamlWriter& out) {
  std::vector<std::string> items;
  for (const std::string& name : names) {
    items.push_back(yaml_scalar(name));
  }
  if (!items.empty()) {
    out.line(3, key, dump_list(items));
  }
}

void dump_rewrite(const RewriteConfig& rewrite, YamlWriter& out) {
  if (rewrite.empty()) {
    return;
  }
  out.line(2, "rewrite");
  dump_text_if_any(3, "strip_prefix", rewrite.strip_prefix, out);
  dump_text_if_any(3, "add_prefix", rewrite.add_prefix, out);
  if (rewrite.location) {
    out.line(3, "location", "true");
  }
  dump_headers(3, "set_request_headers", rewrite.set_request_headers, out);
  dump_names("remove_request_headers", rewrite.remove_request_headers, out);
  dump_headers(3, "set_response_headers", rewrite.set_response_headers, out);
  dump_names("remove_response_headers", rewrite.remove_response_headers, out);
}

void dump_bounds_of(const RouteConfig& route, YamlWriter& out) {
  FlowMap limits;
  const auto size = [&](std::string_view key, std::optional<ByteCount> value) {
    if (value) {
      limits.add(key, format_size(*value));
    }
  };
  size("body", route.limits.body);
  size("form", route.limits.form);
  FlowMap timeouts;
  const auto wait = [&](std::string_view key, std::optional<Millis> value) {
    if (value) {
      timeouts.add(key, format_duration(*value));
    }
  };
  wait("body", route.timeouts.body);
  wait("idle", route.timeouts.idle);
  wait("connect", route.timeouts.connect);
  wait("response", route.timeouts.response);
  wait("write", route.timeouts.write);
  if (!limits.empty()) {
    out.line(2, "limits", limits.take());
  }
  if (!timeouts.empty()) {
    out.line(2, "timeouts", timeouts.take());
  }
}

void dump_guards(const RouteConfig& route, YamlWriter& out) {
  std::vector<std::string> limits;
  for (const RateLimit& limit : route.rate_limits) {
    FlowMap text;
    text.add("per", limit.per == RateLimit::Per::Client ? "client" : "session");
    text.add("requests", std::to_string(limit.requests));
    text.add("every", format_duration(limit.every));
    if (limit.burst != 0) {
      text.add("burst", std::to_string(limit.burst));
    }
    limits.push_back(text.take());
  }
  if (!limits.empty()) {
    out.line(2, "rate_limits", dump_list(limits));
  }
  if (!route.allow.empty()) {
    out.line(2, "allow", dump_text(route.allow));
  }
  if (!route.deny.empty()) {
    out.line(2, "deny", dump_text(route.deny));
  }
}

std::string require_text(const std::vector<Requirement>& require) {
  const bool any_value = require.front().values.empty();
  std::vector<std::string> keys;
  FlowMap map;
  for (const Requirement& required : require) {
    std::vector<std::string> values;
    for (const std::string& value : required.values) {
      values.push_back(yaml_quoted(value));
    }
    keys.push_back(yaml_scalar(required.key));
    map.add(yaml_scalar(required.key), dump_list(values));
  }
  return any_value ? dump_list(keys) : map.take();
}

void dump_requirements(const RouteConfig& route, YamlWriter& out) {
  if (!route.require.empty()) {
    out.line(2, "require", require_text(route.require));
  }
  if (!route.otherwise.empty()) {
    out.line(2, "else", yaml_quoted(route.otherwise));
  }
}

// There is no touch where there is no session.
void dump_touch(const RouteConfig& route, YamlWriter& out) {
  if (route.session) {
    out.line(2, "touch", dump_text(route.touch));
  }
}

std::string target_text(const RouteConfig& route) {
  switch (route.leads) {
    case RouteConfig::Leads::Return:
      return "return";
    case RouteConfig::Leads::Back:
      return "back";
    case RouteConfig::Leads::There:
      break;
  }
  return yaml_quoted(route.redirect);
}

// What a route does.
void dump_purpose(const Config& config, const RouteConfig& route, YamlWriter& out) {
  if (route.kind == RouteConfig::Kind::Backend) {
    out.line(2, "backend", yaml_scalar(config.backends[route.backend].name));
    out.line(2, "session", dump_text(route.session));
    out.line(2, "abandon", dump_word(route.abandon, abandons));
    out.line(2, "cross_site", route.refuses_cross_site ? "refuse" : "pass");
    dump_touch(route, out);
    return;
  }
  if (route.kind == RouteConfig::Kind::Health) {
    out.line(2, "health", "true");
    return;
  }
  if (route.kind == RouteConfig::Kind::Verify) {
    out.line(2, "verify", route.verify_status ? "status" : "true");
    dump_touch(route, out);
    return;
  }
  if (route.kind == RouteConfig::Kind::Show) {
    std::vector<std::string> keys;
    for (const std::string& key : route.show) {
      keys.push_back(yaml_scalar(key));
    }
    out.line(2, "show", dump_list(keys));
    dump_touch(route, out);
    return;
  }
  if (route.kind == RouteConfig::Kind::Redirect) {
    out.line(2, "status", std::to_string(route.status));
  } else if (route.kind == RouteConfig::Kind::Clear) {
    out.line(2, "clear", "true");
  } else {
    out.line(2, "set");
    for (const SetField& mapping : route.set) {
      out.line(3, yaml_scalar(mapping.key), yaml_scalar(mapping.field));
    }
    out.line(2, "renew", dump_text(route.renew));
    if (route.remember) {
      out.line(2, "remember",
               "{field: " + yaml_scalar(route.remember->field) +
                   ", lifetime: " + format_duration(route.remember->lifetime) + "}");
    }
  }
  out.line(2, "redirect", target_text(route));
}

}  // namespace

void dump_server_tls(int depth, const BackendTls& tls, YamlWriter& out) {
  out.line(depth, "tls");
  dump_text_if_any(depth + 1, "ca", tls.ca, out);
  dump_text_if_any(depth + 1, "certificate", tls.certificate, out);
  dump_text_if_any(depth + 1, "key", tls.key, out);
  dump_text_if_any(depth + 1, "server_name", tls.server_name, out);
  out.line(depth + 1, "verify", dump_text(tls.verify));
}

void dump_backends(const Config& config, YamlWriter& out) {
  out.line(0, "backends");
  for (const BackendConfig& backend : config.backends) {
    std::vector<std::string> servers;
    for (const ServerConfig& server : backend.servers) {
      const std::string url = yaml_quoted(server.url);
      servers.push_back(server.weight == 1
                            ? url
                            : "{url: " + url + ", weight: " + std::to_string(server.weight) + "}");
    }
    out.line(1, yaml_scalar(backend.name));
    out.line(2, "servers", dump_list(servers));
    out.line(2, "balance", dump_word(backend.balance, balances));
    out.line(2, "host", host_text(backend.host));
    out.line(2, "writes_session", dump_text(backend.writes_session));
    if (backend.assertion) {
      out.line(2, "assertion", "{secret: " + dump_text(*backend.assertion) + "}");
    }
    out.line(2, "keepalive",
             "{idle: " + std::to_string(backend.keepalive_idle) +
                 ", idle_timeout: " + format_duration(backend.keepalive_idle_timeout) + "}");
    out.line(2, "retry", "{attempts: " + std::to_string(backend.retry_attempts) + "}");
    if (const auto& check = backend.health_check) {
      out.line(2, "health_check",
               "{path: " + yaml_quoted(check->path) +
                   ", interval: " + format_duration(check->interval) +
                   ", timeout: " + format_duration(check->timeout) +
                   ", healthy: " + std::to_string(check->healthy) +
                   ", unhealthy: " + std::to_string(check->unhealthy) + "}");
    }
    out.line(2, "ejection",
             "{failures: " + std::to_string(backend.ejection_failures) +
                 ", for: " + format_duration(backend.ejection_time) + "}");
    if (!(backend.tls == BackendTls{})) {
      dump_server_tls(2, backend.tls, out);
    }
    out.line(2, "http2", dump_text(backend.http2));
    out.line(2, "slow_start", format_duration(backend.slow_start));
    out.line(2, "max_requests", std::to_string(backend.max_requests));
    out.line(2, "queue",
             "{size: " + std::to_string(backend.queue) +
                 ", timeout: " + format_duration(backend.queue_timeout) + "}");
  }
}

void dump_routes(const Config& config, YamlWriter& out) {
  out.line(0, "routes", config.routes.empty() ? "[]" : "");
  for (const RouteConfig& route : config.routes) {
    out.item(1, "path", yaml_quoted(route.path));
    if (route.host) {
      out.line(2, "host", yaml_quoted(*route.host));
    }
    if (!route.methods.empty()) {
      std::vector<std::string> methods;
      for (const std::string& method : route.methods) {
        methods.push_back(yaml_scalar(method));
      }
      out.line(2, "methods", dump_list(methods));
    }
    dump_purpose(config, route, out);
    dump_requirements(route, out);
    dump_bounds_of(route, out);
    dump_rewrite(route.rewrite, out);
    dump_headers(2, "response_headers", route.response_headers, out);
    dump_guards(route, out);
  }
}

void dump_error_pages(const Config& config, YamlWriter& out) {
  if (!config.error_pages.empty()) {
    out.line(0, "error_pages");
  }
  for (const ErrorPage& page : config.error_pages) {
    const bool one = page.first == page.last;
    out.line(1, one ? std::to_string(page.first) : std::to_string(page.first / 100) + "xx",
             yaml_quoted(page.file));
  }
}

}  // namespace keepsake
