#pragma once
// The rules that hold between the keys of a configuration, and of single values beyond their type.
// Called by load.cpp after reading; sees no YAML, only the Config and where its keys stand.

#include "config/config.hpp"
#include "config/environment.hpp"
#include "config/report.hpp"

namespace keepsake {

void validate(const Config& config, const Environment& environment, Report& report);

// The parts of it.
void validate_listeners(const Config& config, const Environment& environment, Report& report);
void validate_backends(const Config& config, Report& report);
void validate_routes(const Config& config, Report& report);
// One secret's text; `allow_short` takes fewer than 32 bytes with a warning.
void validate_secret(const Secret& secret, bool allow_short, const std::string& path,
                     Report& report);
void validate_secrets(const SessionConfig& session, Report& report);
void validate_session_headers(const SessionConfig& session, Report& report);
void validate_cookie(const CookieConfig& cookie, Report& report);
void validate_session(const SessionConfig& session, Report& report);

// A host name, an IPv4 address or an IPv6 address in brackets; no port.
bool is_host(std::string_view text);

}  // namespace keepsake
