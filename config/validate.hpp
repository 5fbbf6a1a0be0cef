#pragma once
// The rules that hold between the keys of a configuration, and of single values beyond their type.
// Called by load.cpp after reading; sees no YAML, only the Config and where its keys stand.

#include <optional>

#include "config/config.hpp"
#include "config/environment.hpp"
#include "config/report.hpp"
#include "io/tls_certificate_sets.hpp"

namespace keepsake {

void validate(const Config& config, const Environment& environment, Report& report);

// The parts of it.
void validate_listeners(const Config& config, const Environment& environment, Report& report);
void validate_backends(const Config& config, const Environment& environment, Report& report);
// Servers that are one of the listeners.
void validate_loops(const Config& config, Report& report);
void validate_routes(const Config& config, Report& report);
// What routes require of sessions, and `else`.
void validate_require(const Config& config, Report& report);
// Whether the path pattern of a route takes a path.
bool takes_path(std::string_view pattern, std::string_view path);
// The overrides of one route that stands at `place`, and how it changes heads.
void validate_overrides(const Config& config, const RouteConfig& route, const std::string& place,
                        Report& report);
void validate_rewrite(const Config& config, const RouteConfig& route, const std::string& place,
                      Report& report);
// One secret's text; `allow_short` takes fewer than 32 bytes with a warning.
void validate_secret(const Secret& secret, bool allow_short, const std::string& path,
                     Report& report);
void validate_secrets(const SessionConfig& session, Report& report);
void validate_session_headers(const SessionConfig& session, Report& report);
void validate_cookie(const CookieConfig& cookie, Report& report);
void validate_trusted_origins(const SessionConfig& session, Report& report);
void validate_session(const SessionConfig& session, Report& report);
void validate_redis(const RedisConfig& redis, const Environment& environment, Report& report);
void validate_fixation(const Config& config, Report& report);
// session.index and what routes do to its key; remember.
void validate_index(const Config& config, Report& report);
void validate_remember(const Config& config, Report& report);
void validate_outputs(const Config& config, Report& report);
// How servers behind TLS are believed; `path` is the key that says so.
void validate_tls(const BackendTls& tls, const std::string& path, const Environment& environment,
                  Report& report);
// That a file can be read; `path` is the key that names it.
void validate_file(const std::string& file, const std::string& path, const Environment& environment,
                   Report& report);

// A certificate and its key, both of which can be read: that they are whole and belong together.
// Empty if they do not.
std::optional<CertificateFacts> validate_identity(const TlsFiles& files, const std::string& place,
                                                  const Environment& environment, Report& report);
void validate_authorities(const std::string& file, const std::string& place,
                          const Environment& environment, Report& report);

// A host name, an IPv4 address or an IPv6 address in brackets; no port.
bool is_host(std::string_view text);

}  // namespace keepsake
