#include "config/dump.hpp"

#include <fmt/format.h>

#include "config/dump_parts.hpp"
#include "config/session_format.hpp"
#include "config/units.hpp"
#include "config/yaml_writer.hpp"

namespace keepsake {
namespace {

constexpr std::string_view encodings[] = {"percent", "display_string", "base64", "raw"};
constexpr std::string_view secure_modes[] = {"auto", "true", "false"};
constexpr std::string_view same_sites[] = {"lax", "strict", "none"};
constexpr std::string_view levels[] = {"trace", "debug", "info", "warn", "error"};

// "{certificate: FILE, key: FILE}" of each but the first, which stands in the section itself.
void dump_tls(const ListenTls& tls, YamlWriter& out) {
  out.line(2, "tls");
  out.line(3, "certificate", yaml_quoted(tls.certificates.front().certificate));
  out.line(3, "key", yaml_quoted(tls.certificates.front().key));
  std::vector<std::string> more;
  for (std::size_t i = 1; i < tls.certificates.size(); ++i) {
    more.push_back("{certificate: " + yaml_quoted(tls.certificates[i].certificate) +
                   ", key: " + yaml_quoted(tls.certificates[i].key) + "}");
  }
  if (!more.empty()) {
    out.line(3, "certificates", dump_list(more));
  }
  if (!tls.client_ca.empty()) {
    out.line(3, "client_ca", yaml_quoted(tls.client_ca));
    out.line(3, "client_certificate", tls.client_required ? "required" : "optional");
    out.line(3, "client_subject_header", yaml_scalar(tls.client_subject_header));
  }
}

std::string redirect_text(std::optional<std::uint16_t> port) {
  return port ? (*port == 443 ? "true" : std::to_string(*port)) : "false";
}

void dump_listeners(const Config& config, YamlWriter& out) {
  out.line(0, "listen");
  for (const ListenConfig& listener : config.listen) {
    out.item(1, "address", yaml_quoted(listener.address.to_string()));
    out.line(2, "proxy_protocol", dump_text(listener.proxy_protocol));
    out.line(2, "http2", dump_text(listener.http2));
    if (listener.tls) {
      dump_tls(*listener.tls, out);
    }
    out.line(2, "mode", listener.mode ? fmt::format("\"{:04o}\"", *listener.mode) : "null");
    out.line(2, "redirect_to_https", redirect_text(listener.redirect_to_https));
  }
  out.line(0, "workers", config.workers == 0 ? "auto" : std::to_string(config.workers));
  out.line(0, "io_uring", dump_text(config.io_uring));
  out.line(0, "headers_with_underscore",
           config.headers_with_underscore == UnderscorePolicy::Keep ? "keep" : "drop");
  out.line(0, "traceparent", dump_text(config.traceparent));
  out.line(0, "reload", config.reload == ReloadMode::Watch ? "watch" : "signal");
  std::string trusted = dump_text(config.trusted_proxies);
  if (config.trust_unix) {
    trusted.insert(1, config.trusted_proxies.empty() ? "unix" : "unix, ");
  }
  out.line(0, "trusted_proxies", trusted);
}

std::string header_text(const SessionHeader& header) {
  switch (header.source) {
    case SessionHeader::Source::AllJson:
      return "{all: json}";
    case SessionHeader::Source::Return:
      return "{return: true}";
    case SessionHeader::Source::Id:
      return "{id: true}";
    case SessionHeader::Source::Value:
      break;
  }
  return "{key: " + yaml_scalar(header.key) +
         ", encoding: " + dump_word(header.encoding, encodings) + "}";
}

void dump_cookie(const CookieConfig& cookie, YamlWriter& out) {
  out.line(1, "cookie");
  out.line(2, "name", yaml_scalar(cookie.name));
  out.line(2, "path", yaml_quoted(cookie.path));
  out.line(2, "domain", cookie.domain.empty() ? "null" : yaml_scalar(cookie.domain));
  out.line(2, "lifetime", cookie.lifetime ? format_duration(*cookie.lifetime) : "browser");
  out.line(2, "secure", dump_word(cookie.secure, secure_modes));
  out.line(2, "http_only", dump_text(cookie.http_only));
  out.line(2, "same_site", dump_word(cookie.same_site, same_sites));
  out.line(2, "partitioned", dump_text(cookie.partitioned));
  out.line(2, "bind_host", dump_text(cookie.bind_host));
  std::vector<std::string> scopes;
  for (const CookieScope& scope : cookie.previous) {
    scopes.push_back("{name: " + yaml_scalar(scope.name) + ", path: " + yaml_quoted(scope.path) +
                     ", domain: " + (scope.domain.empty() ? "null" : yaml_scalar(scope.domain)) +
                     "}");
  }
  out.line(2, "previous", dump_list(scopes));
}

void dump_flask(const FlaskConfig& flask, YamlWriter& out) {
  constexpr std::string_view digests[] = {"sha1", "sha256", "sha384", "sha512"};
  out.line(1, "flask");
  out.line(2, "permanent_lifetime", format_duration(flask.permanent_lifetime));
  out.line(2, "salt", yaml_quoted(flask.salt));
  out.line(2, "digest", dump_word(flask.digest, digests));
}

void dump_session(const SessionConfig& session, YamlWriter& out) {
  std::vector<std::string> secrets;
  for (const Secret& secret : session.secrets) {
    secrets.push_back(dump_text(secret));
  }
  std::vector<std::string> privileged;
  for (const std::string& key : session.privileged) {
    privileged.push_back(yaml_scalar(key));
  }
  out.line(0, "session");
  out.line(1, "secrets", dump_list(secrets));
  out.line(1, "allow_short", dump_text(session.allow_short));
  out.line(1, "format", to_string(session.format));
  out.line(1, "store",
           session.store == SessionStoreKind::Cookie
               ? "cookie"
               : (session.store == SessionStoreKind::Memory ? "memory" : "redis"));
  if (session.redis) {
    dump_redis(*session.redis, out);
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
  out.line(1, "privileged", dump_list(privileged));
  out.line(1, "index", session.index ? yaml_scalar(*session.index) : "null");
  out.line(1, "not_before", session.not_before ? format_date(*session.not_before) : "null");
  out.line(1, "max_values", std::to_string(session.max_values));
  out.line(1, "max_value", format_size(session.max_value));
  dump_cookie(session.cookie, out);
  std::vector<std::string> origins;
  for (const std::string& origin : session.trusted_origins) {
    origins.push_back(yaml_quoted(origin));
  }
  out.line(1, "trusted_origins", dump_list(origins));
  dump_flask(session.flask, out);
}

void dump_bounds(const Config& config, YamlWriter& out) {
  const LimitsConfig& limits = config.limits;
  out.line(0, "limits");
  out.line(1, "header", format_size(limits.header));
  out.line(1, "response_header", format_size(limits.response_header));
  out.line(1, "headers", std::to_string(limits.headers));
  out.line(1, "target", format_size(limits.target));
  out.line(1, "body", format_size(limits.body));
  out.line(1, "form", format_size(limits.form));
  out.line(1, "connections", std::to_string(limits.connections));
  out.line(1, "connections_per_client", std::to_string(limits.connections_per_client));
  out.line(1, "requests_per_connection", std::to_string(limits.requests_per_connection));
  out.line(1, "streams", std::to_string(limits.streams));
  out.line(1, "handshakes", std::to_string(limits.handshakes));
  out.line(1, "rate_buckets", std::to_string(limits.rate_buckets));
  const TimeoutsConfig& timeouts = config.timeouts;
  out.line(0, "timeouts");
  out.line(1, "header", format_duration(timeouts.header));
  out.line(1, "body", format_duration(timeouts.body));
  out.line(1, "idle", format_duration(timeouts.idle));
  out.line(1, "connect", format_duration(timeouts.connect));
  out.line(1, "response", format_duration(timeouts.response));
  out.line(1, "write", format_duration(timeouts.write));
  out.line(1, "handshake", format_duration(timeouts.handshake));
  out.line(1, "drain", format_duration(timeouts.drain));
  out.line(1, "drain_delay", format_duration(timeouts.drain_delay));
}

std::string file_text(const std::string& file) {
  return file.empty() ? "null" : yaml_quoted(file);
}

std::string fields_text(const std::vector<LogField>& fields) {
  std::vector<std::string> words;
  for (const LogField field : fields) {
    words.emplace_back(to_string(field));
  }
  return words.empty() ? "null" : dump_list(words);
}

void dump_outputs(const Config& config, YamlWriter& out) {
  out.line(0, "log");
  out.line(1, "level", dump_word(config.log.level, levels));
  out.line(1, "format", config.log.format == LogFormat::Text ? "text" : "json");
  out.line(1, "access", dump_text(config.log.access));
  out.line(1, "file", file_text(config.log.file));
  out.line(1, "access_file", file_text(config.log.access_file));
  out.line(1, "fields", fields_text(config.log.fields));
  const AdminConfig& admin = config.admin;
  out.line(0, "admin");
  out.line(1, "address", admin.address ? yaml_quoted(admin.address->to_string()) : "null");
  if (admin.token) {
    out.line(1, "token", dump_text(*admin.token));
  }
  std::vector<std::string> hosts;
  for (const std::string& host : admin.hosts) {
    hosts.push_back(yaml_scalar(host));
  }
  out.line(1, "hosts", dump_list(hosts));
}

}  // namespace

std::string dump_text(bool value) {
  return value ? "true" : "false";
}

std::string dump_text(const Secret& secret) {
  const std::size_t space = secret.origin.find(' ');
  std::string text = "{" + secret.origin.substr(0, space) + ": ";
  text += space == std::string::npos ? "null" : yaml_scalar(secret.origin.substr(space + 1));
  return text + (secret.allow_short ? ", allow_short: true}" : "}");
}

std::string dump_text(const std::vector<Cidr>& networks) {
  std::vector<std::string> items;
  for (const Cidr& cidr : networks) {
    const unsigned prefix = cidr.prefix;
    const bool v4 = cidr.network.is_v4() && prefix >= 96;
    items.push_back(
        yaml_quoted(cidr.network.to_string() + '/' + std::to_string(v4 ? prefix - 96 : prefix)));
  }
  return dump_list(items);
}

std::string dump_list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) {
    out += (out.size() > 1 ? ", " : "") + item;
  }
  return out + "]";
}

std::string dump_config(const Config& config) {
  YamlWriter out;
  dump_listeners(config, out);
  dump_backends(config, out);
  dump_routes(config, out);
  dump_error_pages(config, out);
  dump_session(config.session, out);
  dump_bounds(config, out);
  dump_outputs(config, out);
  return out.take();
}

}  // namespace keepsake
