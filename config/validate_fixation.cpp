// What keeps a planted session from becoming that of a visitor who signs in: ids that change with
// privileged keys, and a cookie that no other host can set.

#include <algorithm>

#include "config/privileged_keys.hpp"
#include "config/validate.hpp"

namespace keepsake {
namespace {

constexpr std::size_t max_privileged = 32;

void validate_privileged(const SessionConfig& session, Report& report) {
  const std::vector<std::string>& keys = session.privileged;
  if (keys.size() > max_privileged) {
    report.problem("session.privileged", "are more than " + std::to_string(max_privileged));
  }
  for (auto key = keys.begin(); key != keys.end(); ++key) {
    const std::string path =
        join_path("session.privileged", static_cast<std::size_t>(key - keys.begin()));
    if (key->empty() || key->size() > 255) {
      report.problem(path, "expected a session key, 1 to 255 bytes");
    } else if (std::find(keys.begin(), key, *key) != key) {
      report.problem(path, path_step(*key) + " stands in this list already");
    }
  }
  if (!keys.empty() && session.format == SessionFormat::Flask) {
    report.problem("session.privileged", "format: flask has no session id that could be renewed");
  }
}

void validate_renewing_routes(const Config& config, Report& report) {
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    if (config.routes[i].renew && config.session.format == SessionFormat::Flask) {
      report.problem(join_path("routes", i) + ".renew",
                     "format: flask has no session id that could be renewed");
    }
  }
}

void warn_of_writers(const Config& config, Report& report) {
  if (config.session.store == SessionStoreKind::Cookie || !privileged_keys(config).empty()) {
    return;
  }
  for (const BackendConfig& backend : config.backends) {
    if (backend.writes_session) {
      report.warning(join_path("backends", backend.name) + ".writes_session",
                     "without session.privileged: a visitor who signs in keeps the session id from "
                     "before, which somebody else may have planted; list the keys that mean "
                     "\"signed in\"");
    }
  }
}

// RFC 6265bis 4.1.3.2: browsers take a cookie of this name only from the host itself, over https.
void warn_of_name(const Config& config, Report& report) {
  const auto has_tls = [](const ListenConfig& listen) { return listen.tls.has_value(); };
  const auto is_https = [](const ListenConfig& listen) {
    return listen.tls || listen.redirect_to_https;
  };
  const CookieConfig& cookie = config.session.cookie;
  if (std::any_of(config.listen.begin(), config.listen.end(), has_tls) &&
      std::all_of(config.listen.begin(), config.listen.end(), is_https) &&
      !cookie.name.starts_with("__Host-") && cookie.domain.empty()) {
    report.warning("session.cookie.name",
                   "begins without __Host-: another subdomain, or anybody on the way of a plain "
                   "http page, can plant a session here. Expected for example name: "
                   "__Host-session with secure: true");
  }
}

}  // namespace

void validate_fixation(const Config& config, Report& report) {
  validate_privileged(config.session, report);
  validate_renewing_routes(config, report);
  warn_of_writers(config, report);
  warn_of_name(config, report);
}

}  // namespace keepsake
