#include "config/validate.hpp"

#include <algorithm>
#include <set>

#include "http/chars.hpp"

namespace keepsake {
namespace {

bool is_wildcard(std::string_view host) {
  return host == "0.0.0.0" || host == "::";
}

// Two listeners that the kernel will not give us both. Port 0 is a fresh one each time.
bool collide(const SocketAddress& a, const SocketAddress& b) {
  if (a.kind != b.kind) {
    return false;
  }
  if (a.kind == SocketAddress::Kind::Unix) {
    return a.path == b.path;
  }
  if (a.port != b.port || a.port == 0) {
    return false;
  }
  const auto ip_a = parse_ip(a.host);
  const auto ip_b = parse_ip(b.host);
  if (!ip_a || !ip_b) {
    return a.host == b.host;
  }
  return *ip_a == *ip_b ||
         (ip_a->is_v4() == ip_b->is_v4() && (is_wildcard(a.host) || is_wildcard(b.host)));
}

bool is_set(const SocketAddress& address) {
  return !address.host.empty() || !address.path.empty();
}

void validate_tls(const TlsFiles& tls, const std::string& path, const Environment& environment,
                  Report& report) {
  const auto check = [&](std::string_view key, const std::string& file, std::string_view what) {
    const std::string key_path = join_path(path, key);
    std::string error;
    if (file.empty()) {
      report.problem(report.has(key_path) ? key_path : path,
                     std::string{key} + " is missing, expected the path of " + std::string{what});
    } else if (!environment.read_file(file, error)) {
      report.problem(key_path, "the file " + file + " cannot be read: " + error);
    }
  };
  check("certificate", tls.certificate, "a PEM file with the certificate chain");
  check("key", tls.key, "a PEM file with the private key");
}

bool is_absolute_request_path(std::string_view path) {
  return path.starts_with('/') && std::all_of(path.begin(), path.end(), [](char c) {
           return c > 0x20 && c < 0x7F && c != '#';
         });
}

// A Host to send: a host and perhaps a port.
bool is_host_and_port(std::string_view text) {
  const std::size_t close = text.rfind(']');
  const std::size_t colon = text.find(':', close == std::string_view::npos ? 0 : close);
  if (colon == std::string_view::npos) {
    return is_host(text);
  }
  std::string error;
  return is_host(text.substr(0, colon)) && parse_socket_address(text, error).has_value();
}

void validate_backend(const BackendConfig& backend, const std::string& path, Report& report) {
  if (backend.name.empty() || backend.name.size() > 64 || !is_token(backend.name)) {
    report.problem(path, "the name of a backend is 1 to 64 letters, digits, - or _");
  }
  if (backend.servers.empty()) {
    const bool there = report.has(path + ".servers");
    report.problem(there ? path + ".servers" : path,
                   std::string{there ? "is empty" : "servers is missing"} +
                       ", expected for example servers: [http://127.0.0.1:8081]");
  }
  std::set<std::string> seen;
  for (std::size_t i = 0; i < backend.servers.size(); ++i) {
    const ServerConfig& server = backend.servers[i];
    if (!seen.insert((server.tls ? "s " : "p ") + server.address.to_string()).second) {
      report.warning(join_path(path + ".servers", i), "this server is in the list already");
    }
  }
  if (backend.host.mode == HostHeader::Mode::Literal && !is_host_and_port(backend.host.literal)) {
    report.problem(path + ".host", "expected preserve, backend or a host such as app.example.com");
  }
  if (const auto& secret = backend.assertion; secret && !report.is_bad(path + ".assertion")) {
    validate_secret(*secret, false, path + ".assertion.secret", report);
  }
  if (backend.health_check) {
    if (!is_absolute_request_path(backend.health_check->path)) {
      report.problem(path + ".health_check.path",
                     "expected the path of a request, as in /healthz, in printable ASCII");
    }
    if (backend.health_check->timeout > backend.health_check->interval) {
      report.problem(path + ".health_check.timeout",
                     "is longer than interval: checks would overtake each other");
    }
  }
}

}  // namespace

bool is_host(std::string_view text) {
  if (text.starts_with('[')) {
    return text.ends_with(']') && text.find(':') != std::string_view::npos &&
           parse_ip(text.substr(1, text.size() - 2)).has_value();
  }
  std::string error;
  return text.find(':') == std::string_view::npos && !text.starts_with("unix:") &&
         parse_socket_address(std::string{text} + ":0", error).has_value();
}

void validate_listeners(const Config& config, const Environment& environment, Report& report) {
  if (config.listen.empty()) {
    report.problem("listen",
                   "is missing or empty, expected for example listen: [{address: "
                   "\"0.0.0.0:8080\"}]");
  }
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    const ListenConfig& listener = config.listen[i];
    const std::string path = join_path("listen", i);
    for (std::size_t j = 0; j < i; ++j) {
      if (is_set(listener.address) && collide(listener.address, config.listen[j].address)) {
        report.problem(path + ".address",
                       "this address is taken by " + join_path("listen", j) + " already");
        break;
      }
    }
    if (listener.tls) {
      validate_tls(listener.tls->certificates.front(), path + ".tls", environment, report);
    }
    if (listener.proxy_protocol && listener.address.kind == SocketAddress::Kind::Tcp &&
        config.trusted_proxies.empty()) {
      report.problem(path + ".proxy_protocol",
                     "nobody could connect: a PROXY header is believed from trusted_proxies only, "
                     "and there are none");
    }
    if (config.admin.address && collide(*config.admin.address, listener.address)) {
      report.problem("admin.address", "this address is taken by " + path + " already");
    }
  }
  for (std::size_t i = 0; i < config.trusted_proxies.size(); ++i) {
    if (config.trusted_proxies[i].prefix == 0 || config.trusted_proxies[i].prefix == 96) {
      report.warning(join_path("trusted_proxies", i),
                     "every client is trusted to name its own address, scheme and host");
    }
  }
}

void validate_backends(const Config& config, Report& report) {
  if (config.backends.empty()) {
    report.problem("backends",
                   "is missing or empty, expected for example backends: {app: "
                   "{servers: [\"http://127.0.0.1:8081\"]}}");
  }
  for (const BackendConfig& backend : config.backends) {
    const std::string path = join_path("backends", backend.name);
    validate_backend(backend, path, report);
    if (backend.balance == Balance::SessionHash && config.session.format == SessionFormat::Flask) {
      report.problem(path + ".balance",
                     "session_hash needs a session id, which format: flask has not");
    }
  }
}

void validate(const Config& config, const Environment& environment, Report& report) {
  validate_listeners(config, environment, report);
  validate_backends(config, report);
  validate_routes(config, report);
  validate_session(config.session, report);
}

}  // namespace keepsake
