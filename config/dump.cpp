#include "config/dump.hpp"

#include "config/units.hpp"
#include "config/yaml_writer.hpp"

namespace keepsake {
namespace {

std::string boolean(bool value) {
  return value ? "true" : "false";
}

template <typename Enum, std::size_t N>
std::string word(Enum value, const std::string_view (&words)[N]) {
  return std::string{words[static_cast<std::size_t>(value)]};
}

constexpr std::string_view balances[] = {"round_robin", "least_requests", "session_hash"};
constexpr std::string_view encodings[] = {"percent", "display_string", "base64", "raw"};
constexpr std::string_view secure_modes[] = {"auto", "true", "false"};
constexpr std::string_view same_sites[] = {"lax", "strict", "none"};
constexpr std::string_view levels[] = {"trace", "debug", "info", "warn", "error"};

std::string cidr_text(const Cidr& cidr) {
  const unsigned prefix = cidr.prefix;
  const bool v4 = cidr.network.is_v4() && prefix >= 96;
  return cidr.network.to_string() + '/' + std::to_string(v4 ? prefix - 96 : prefix);
}

std::string list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) {
    out += (out.size() > 1 ? ", " : "") + item;
  }
  return out + "]";
}

void dump_listeners(const Config& config, YamlWriter& out) {
  out.line(0, "listen");
  for (const ListenConfig& listener : config.listen) {
    out.item(1, "address", yaml_quoted(listener.address.to_string()));
    out.line(2, "proxy_protocol", boolean(listener.proxy_protocol));
    if (listener.tls) {
      out.line(2, "tls");
      out.line(3, "certificate", yaml_quoted(listener.tls->certificates.front().certificate));
      out.line(3, "key", yaml_quoted(listener.tls->certificates.front().key));
    }
  }
  out.line(0, "workers", config.workers == 0 ? "auto" : std::to_string(config.workers));
  out.line(0, "headers_with_underscore",
           config.headers_with_underscore == UnderscorePolicy::Keep ? "keep" : "drop");
  std::vector<std::string> networks;
  for (const Cidr& cidr : config.trusted_proxies) {
    networks.push_back(yaml_quoted(cidr_text(cidr)));
  }
  out.line(0, "trusted_proxies", list(networks));
}

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

// "{env: NAME}" from "env NAME": where a secret is, never what it is.
std::string secret_text(const Secret& secret) {
  const std::size_t space = secret.origin.find(' ');
  std::string text = "{" + secret.origin.substr(0, space) + ": ";
  text += space == std::string::npos ? "null" : yaml_scalar(secret.origin.substr(space + 1));
  return text + (secret.allow_short ? ", allow_short: true}" : "}");
}

void dump_backends(const Config& config, YamlWriter& out) {
  out.line(0, "backends");
  for (const BackendConfig& backend : config.backends) {
    std::vector<std::string> servers;
    for (const ServerConfig& server : backend.servers) {
      servers.push_back(yaml_quoted(server.url));
    }
    out.line(1, yaml_scalar(backend.name));
    out.line(2, "servers", list(servers));
    out.line(2, "balance", word(backend.balance, balances));
    out.line(2, "host", host_text(backend.host));
    out.line(2, "writes_session", boolean(backend.writes_session));
    if (backend.assertion) {
      out.line(2, "assertion", "{secret: " + secret_text(*backend.assertion) + "}");
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
      out.line(2, "methods", list(methods));
    }
    if (route.kind == RouteConfig::Kind::Backend) {
      out.line(2, "backend", yaml_scalar(config.backends[route.backend].name));
      out.line(2, "session", boolean(route.session));
      continue;
    }
    if (route.kind == RouteConfig::Kind::Clear) {
      out.line(2, "clear", "true");
    } else {
      out.line(2, "set");
      for (const SetField& mapping : route.set) {
        out.line(3, yaml_scalar(mapping.key), yaml_scalar(mapping.field));
      }
    }
    out.line(2, "redirect", yaml_quoted(route.redirect));
  }
}

std::string redis_text(const RedisConfig& redis) {
  std::string login;
  if (!redis.password.empty()) {
    login = (redis.user.empty() ? "" : "***") + std::string{":***@"};
  }
  const std::string database = std::to_string(redis.database);
  if (redis.over_unix) {
    return yaml_quoted("unix:" + (login.empty() ? "" : "//" + login) + redis.host +
                       "?db=" + database);
  }
  SocketAddress address;
  address.host = redis.host;
  address.port = redis.port;
  return yaml_quoted("redis://" + login + address.to_string() + "/" + database);
}

std::string header_text(const SessionHeader& header) {
  switch (header.source) {
    case SessionHeader::Source::AllJson:
      return "{all: json}";
    case SessionHeader::Source::Id:
      return "{id: true}";
    case SessionHeader::Source::Value:
      break;
  }
  return "{key: " + yaml_scalar(header.key) + ", encoding: " + word(header.encoding, encodings) +
         "}";
}

void dump_cookie(const CookieConfig& cookie, YamlWriter& out) {
  out.line(1, "cookie");
  out.line(2, "name", yaml_scalar(cookie.name));
  out.line(2, "path", yaml_quoted(cookie.path));
  out.line(2, "domain", cookie.domain.empty() ? "null" : yaml_scalar(cookie.domain));
  out.line(2, "lifetime", cookie.lifetime ? format_duration(*cookie.lifetime) : "browser");
  out.line(2, "secure", word(cookie.secure, secure_modes));
  out.line(2, "http_only", boolean(cookie.http_only));
  out.line(2, "same_site", word(cookie.same_site, same_sites));
  out.line(2, "partitioned", boolean(cookie.partitioned));
  out.line(2, "bind_host", boolean(cookie.bind_host));
}

void dump_session(const SessionConfig& session, YamlWriter& out) {
  std::vector<std::string> secrets;
  for (const Secret& secret : session.secrets) {
    secrets.push_back(secret_text(secret));
  }
  out.line(0, "session");
  out.line(1, "secrets", list(secrets));
  out.line(1, "allow_short", boolean(session.allow_short));
  out.line(1, "format", session.format == SessionFormat::Sealed ? "sealed" : "flask");
  out.line(1, "store",
           session.store == SessionStoreKind::Cookie
               ? "cookie"
               : (session.store == SessionStoreKind::Memory ? "memory" : "redis"));
  if (session.redis) {
    out.line(1, "redis",
             "{url: " + redis_text(*session.redis) +
                 ", timeout: " + format_duration(session.redis->timeout) + "}");
  }
  out.line(1, "on_store_error",
           session.on_store_error == OnStoreError::Anonymous ? "anonymous" : "refuse");
  out.line(1, "max_sessions", std::to_string(session.max_sessions));
  out.line(1, "headers", session.headers.empty() ? "{}" : "");
  for (const SessionHeader& header : session.headers) {
    out.line(2, yaml_scalar(header.name), header_text(header));
  }
  out.line(1, "idle_timeout", format_duration(session.idle_timeout));
  out.line(1, "absolute_timeout", format_duration(session.absolute_timeout));
  out.line(1, "touch_interval", format_duration(session.touch_interval));
  out.line(1, "not_before", session.not_before ? format_date(*session.not_before) : "null");
  out.line(1, "max_values", std::to_string(session.max_values));
  out.line(1, "max_value", format_size(session.max_value));
  dump_cookie(session.cookie, out);
}

void dump_bounds(const Config& config, YamlWriter& out) {
  const LimitsConfig& limits = config.limits;
  out.line(0, "limits");
  out.line(1, "header", format_size(limits.header));
  out.line(1, "headers", std::to_string(limits.headers));
  out.line(1, "target", format_size(limits.target));
  out.line(1, "body", format_size(limits.body));
  out.line(1, "form", format_size(limits.form));
  out.line(1, "connections", std::to_string(limits.connections));
  out.line(1, "connections_per_client", std::to_string(limits.connections_per_client));
  out.line(1, "requests_per_connection", std::to_string(limits.requests_per_connection));
  const TimeoutsConfig& timeouts = config.timeouts;
  out.line(0, "timeouts");
  out.line(1, "header", format_duration(timeouts.header));
  out.line(1, "body", format_duration(timeouts.body));
  out.line(1, "idle", format_duration(timeouts.idle));
  out.line(1, "connect", format_duration(timeouts.connect));
  out.line(1, "response", format_duration(timeouts.response));
  out.line(1, "write", format_duration(timeouts.write));
  out.line(1, "drain", format_duration(timeouts.drain));
  out.line(0, "log");
  out.line(1, "level", word(config.log.level, levels));
  out.line(1, "format", config.log.format == LogFormat::Text ? "text" : "json");
  out.line(1, "access", boolean(config.log.access));
  out.line(0, "admin");
  out.line(
      1, "address",
      config.admin.address ? yaml_quoted(config.admin.address->to_string()) : std::string{"null"});
}

}  // namespace

std::string dump_config(const Config& config) {
  YamlWriter out;
  dump_listeners(config, out);
  dump_backends(config, out);
  dump_routes(config, out);
  dump_session(config.session, out);
  dump_bounds(config, out);
  return out.take();
}

}  // namespace keepsake
