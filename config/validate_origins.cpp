// The rules for session.trusted_origins.

#include <algorithm>

#include "config/validate.hpp"
#include "http/origin.hpp"

namespace keepsake {

namespace {

constexpr std::string_view kExpected =
    " is no origin, expected https:// or http://, a host and at most a port, as in "
    "https://www.example.com";

void validate_origin(const std::string& text, const std::string& path, Report& report) {
  const std::optional<WebOrigin> origin = parse_origin(text);
  if (!origin) {
    report.problem(path, "\"" + text + "\"" + std::string{kExpected} +
                             (origin_of_url(text) ? ", without a path" : ""));
  } else if (origin->host.find('*') != std::string_view::npos) {
    report.problem(path, "\"" + text + "\" has a *, and each origin must be listed by itself");
  } else if (!origin->https) {
    report.warning(path,
                   "pages of http origins can be changed on their way, so that anybody in between "
                   "may post with this visitor's session");
  }
}

}  // namespace

void validate_trusted_origins(const SessionConfig& session, Report& report) {
  const std::vector<std::string>& origins = session.trusted_origins;
  for (std::size_t i = 0; i < origins.size(); ++i) {
    const std::string path = join_path("session.trusted_origins", i);
    if (!report.is_bad(path)) {
      validate_origin(origins[i], path, report);
    }
  }
  if (!origins.empty() && session.cookie.same_site != SameSite::None) {
    report.warning("session.trusted_origins",
                   "browsers send the session cookie with posts from pages of another site only if "
                   "session.cookie has same_site: none; without it such a post is an anonymous "
                   "visitor's");
  }
}

}  // namespace keepsake
