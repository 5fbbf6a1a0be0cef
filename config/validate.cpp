#include "config/validate.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "http/chars.hpp"
#include "io/tls_files.hpp"

namespace keepsake {
namespace {

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

void validate_server_tls(const BackendConfig& backend, const std::string& path,
                         const Environment& environment, Report& report) {
  const BackendTls& tls = backend.tls;
  const bool https = std::any_of(backend.servers.begin(), backend.servers.end(),
                                 [](const ServerConfig& server) { return server.tls; });
  if (!https && (report.has(path) || !(tls == BackendTls{}))) {
    report.problem(path, "is not used: none of the servers is an https:// one");
    return;
  }
  validate_tls(tls, path, environment, report);
}

void validate_queue(const BackendConfig& backend, const std::string& path, Report& report) {
  const BackendConfig fresh;
  if (backend.max_requests == 0 &&
      (backend.queue != fresh.queue || backend.queue_timeout != fresh.queue_timeout)) {
    report.warning(path + ".queue", "is not used: max_requests is 0, so nothing waits");
  }
}

void validate_backend(const BackendConfig& backend, const std::string& path,
                      const Environment& environment, Report& report) {
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
    if (!report.is_bad(join_path(path + ".servers", i)) &&
        !seen.insert((server.tls ? "s " : "p ") + server.address.to_string()).second) {
      report.warning(join_path(path + ".servers", i), "this server is in the list already");
    }
  }
  if (backend.host.mode == HostHeader::Mode::Literal && !is_host_and_port(backend.host.literal)) {
    report.problem(path + ".host", "expected preserve, backend or a host such as app.example.com");
  }
  if (const auto& secret = backend.assertion; secret && !report.is_bad(path + ".assertion")) {
    validate_secret(*secret, false, path + ".assertion.secret", report);
  }
  validate_server_tls(backend, path + ".tls", environment, report);
  validate_queue(backend, path, report);
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

void validate_file(const std::string& file, const std::string& path, const Environment& environment,
                   Report& report) {
  FileError error;
  if (std::optional<std::string> text = environment.read_file(file, error)) {
    wipe(*text);  // it may be a private key
  } else {
    report.problem(path, "the file " + file + " cannot be read: " + error.why);
  }
}

void validate_tls(const BackendTls& tls, const std::string& path, const Environment& environment,
                  Report& report) {
  const std::array<std::pair<std::string_view, const std::string*>, 3> files{
      {{"ca", &tls.ca}, {"certificate", &tls.certificate}, {"key", &tls.key}}};
  for (const auto& [key, file] : files) {
    const std::string place = join_path(path, key);
    if (!file->empty()) {
      validate_file(*file, place, environment, report);
    } else if (report.has(place)) {
      report.problem(place, "is empty, expected the path of a PEM file");
    }
  }
  if (tls.certificate.empty() != tls.key.empty()) {
    report.problem(path, std::string{tls.key.empty() ? "key" : "certificate"} +
                             " is missing, expected certificate and key or none of them");
  }
  if (!tls.certificate.empty() && !tls.key.empty()) {
    validate_identity({tls.certificate, tls.key}, path, environment, report);
  }
  if (!tls.ca.empty()) {
    validate_authorities(tls.ca, path + ".ca", environment, report);
  }
  if ((!tls.server_name.empty() || report.has(path + ".server_name")) &&
      (!is_host(tls.server_name) || tls.server_name.starts_with('['))) {
    report.problem(path + ".server_name", "expected a host name, as in app.example.com");
  }
  if (!tls.verify) {
    report.warning(path + ".verify",
                   "false: whoever answers is taken for the backend, and sees its sessions");
    if (!tls.ca.empty()) {
      report.problem(path + ".ca", "nothing is verified by it: verify is false");
    }
  }
}

void validate_backends(const Config& config, const Environment& environment, Report& report) {
  if (config.backends.empty()) {
    report.problem("backends",
                   "is missing or empty, expected for example backends: {app: "
                   "{servers: [\"http://127.0.0.1:8081\"]}}");
  }
  for (const BackendConfig& backend : config.backends) {
    const std::string path = join_path("backends", backend.name);
    validate_backend(backend, path, environment, report);
    if (backend.balance == Balance::SessionHash && config.session.format == SessionFormat::Flask) {
      report.problem(path + ".balance",
                     "session_hash needs a session id, which format: flask has not");
    }
  }
}

void validate_outputs(const Config& config, Report& report) {
  if (!config.log.access && (!config.log.access_file.empty() || !config.log.fields.empty())) {
    report.warning(config.log.access_file.empty() ? "log.fields" : "log.access_file",
                   "is not used: access is false");
  }
  if (const auto& token = config.admin.token; token && !report.is_bad("admin.token")) {
    validate_secret(*token, false, "admin.token", report);
    if (!config.admin.address) {
      report.warning("admin.token", "is not used: admin has no address");
    }
  }
  for (std::size_t i = 0; i < config.admin.hosts.size(); ++i) {
    const std::string& host = config.admin.hosts[i];
    if (!is_host(host) || host.starts_with('[') || host.ends_with('.')) {
      report.problem(join_path("admin.hosts", i),
                     "expected a host name without a port and without a dot at its end, as in "
                     "admin.example.com");
    }
  }
}

void validate(const Config& config, const Environment& environment, Report& report) {
  validate_listeners(config, environment, report);
  validate_backends(config, environment, report);
  validate_loops(config, report);
  validate_routes(config, report);
  validate_require(config, report);
  validate_session(config.session, report);
  if (config.session.redis) {
    validate_redis(*config.session.redis, environment, report);
  }
  validate_fixation(config, report);
  validate_index(config, report);
  validate_remember(config, report);
  validate_outputs(config, report);
}

}  // namespace keepsake
