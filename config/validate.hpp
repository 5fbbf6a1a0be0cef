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
void validate_secrets(const SessionConfig& session, Report& report);
void validate_session_headers(const SessionConfig& session, Report& report);
void validate_cookie(const CookieConfig& cookie, Report& report);
void validate_session(const SessionConfig& session, Report& report);

// RFC 9110 5.6.2.
bool is_token(std::string_view text);
// A host name, an IPv4 address or an IPv6 address in brackets; no port.
bool is_host(std::string_view text);
// Lower case, and every byte that is no letter or digit taken as '-': how headers are compared
// where a backend could take one for the other.
std::string fold_header_name(std::string_view name);
// The path as requests are matched: unreserved bytes decoded, dot segments removed. Empty when it
// leaves the root.
std::optional<std::string> normalise_route_path(std::string_view path);

}  // namespace keepsake
