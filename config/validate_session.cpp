// The rules for session: secrets, headers to the backend, lifetimes and the cookie.

#include <algorithm>
#include <map>

#include "config/header_names.hpp"
#include "config/validate.hpp"
#include "http/chars.hpp"

namespace keepsake {
namespace {

constexpr std::size_t least_secret_bytes = 32;
constexpr std::size_t max_session_headers = 64;
constexpr std::string_view remedy = "; `keepsake keygen` prints a good one";

// Texts that only ever stand in manuals and examples, ours included.
bool is_sample(std::string_view secret) {
  static constexpr std::string_view samples[] = {
      "changeme",      "change-me",     "change_me",       "change-this",
      "replace-me",    "replace_me",    "replace-this",    "replace-with",
      "your-secret",   "your_secret",   "yoursecret",      "example-secret",
      "sample-secret", "insert-secret", "keepsake-keygen", "keepsake keygen"};
  std::string lower{secret};
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  return std::any_of(std::begin(samples), std::end(samples), [&](std::string_view sample) {
    return lower.find(sample) != std::string::npos;
  });
}

bool has_prefix(std::string_view name, std::string_view prefix) {
  return equals_ignoring_case(name.substr(0, prefix.size()), prefix);
}

void validate_times(const SessionConfig& session, Report& report) {
  if (session.touch_interval >= session.idle_timeout) {
    report.problem("session.touch_interval",
                   "is not shorter than idle_timeout: sessions would end while they are in use");
  } else if (session.touch_interval * 2 > session.idle_timeout) {
    report.warning("session.touch_interval",
                   "is more than half of idle_timeout: sessions end up to that much early");
  }
  if (session.idle_timeout > session.absolute_timeout) {
    report.warning("session.idle_timeout",
                   "is longer than absolute_timeout, which ends every session first");
  }
}

void validate_store(const SessionConfig& session, Report& report) {
  if (session.store == SessionStoreKind::Redis && !session.redis) {
    report.problem("session.store",
                   "store: redis needs redis: {url: \"redis://127.0.0.1:6379/0\"}");
  }
  if (session.store != SessionStoreKind::Redis && session.redis) {
    report.warning("session.redis", "is not used: store: redis is not chosen");
  }
  if (session.store != SessionStoreKind::Memory &&
      session.max_sessions != SessionConfig{}.max_sessions) {
    report.warning("session.max_sessions", "is not used: store: memory is not chosen");
  }
  if (session.store == SessionStoreKind::Cookie && session.max_value > 4096 - 1024) {
    report.warning("session.max_value",
                   "hardly fits: with store: cookie the whole session stays within 4096 bytes");
  }
}

// Flask's cookie has no id, no key id and no room for either.
void validate_flask(const SessionConfig& session, Report& report) {
  if (session.format != SessionFormat::Flask) {
    if (session.allow_short) {
      report.problem("session.allow_short", "is for format: flask only");
    }
    if (session.flask != FlaskConfig{}) {
      report.problem("session.flask", "is for format: flask only");
    }
    for (std::size_t i = 0; i < session.secrets.size(); ++i) {
      if (session.secrets[i].allow_short) {
        report.problem(join_path("session.secrets", i) + ".allow_short",
                       "is for format: flask only");
      }
    }
    return;
  }
  if (session.store != SessionStoreKind::Cookie) {
    report.problem("session.store",
                   "format: flask keeps the session in its cookie, expected store: cookie");
  }
  if (session.cookie.bind_host) {
    report.problem("session.cookie.bind_host", "format: flask cannot bind the host");
  }
  if (session.flask.salt.empty()) {
    report.problem("session.flask.salt", "is empty, expected the salt of the applications");
  }
  for (const SessionHeader& header : session.headers) {
    if (header.source == SessionHeader::Source::Id) {
      report.problem(join_path("session.headers", header.name),
                     "format: flask has no session id to send");
    }
  }
}

}  // namespace

void validate_secret(const Secret& secret, bool allow_short, const std::string& path,
                     Report& report) {
  const std::string which = "the secret from " + secret.origin;
  if (secret.text.empty()) {
    report.problem(path, which + " is empty" + std::string{remedy});
  } else if (secret.text.find_first_not_of(secret.text.front()) == std::string::npos) {
    report.problem(path, which + " is one character repeated" + std::string{remedy});
  } else if (is_sample(secret.text)) {
    report.problem(path, which + " is a sample from a manual" + std::string{remedy});
  } else if (secret.text.size() < least_secret_bytes && !allow_short) {
    report.problem(path, which + " has " + std::to_string(secret.text.size()) +
                             " bytes, expected 32 or more" + std::string{remedy});
  } else if (secret.text.size() < least_secret_bytes) {
    report.warning(path, which + " has only " + std::to_string(secret.text.size()) +
                             " bytes: it can be guessed, and sessions forged");
  }
}

void validate_secrets(const SessionConfig& session, Report& report) {
  if (session.secrets.empty()) {
    report.problem("session.secrets",
                   "is missing or empty, expected for example secrets: [{env: "
                   "SESSION_KEY}]; `keepsake keygen` prints a value for it");
  }
  std::map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < session.secrets.size(); ++i) {
    const Secret& secret = session.secrets[i];
    const std::string path = join_path("session.secrets", i);
    if (report.is_bad(path)) {
      continue;
    }
    validate_secret(secret, session.allow_short || secret.allow_short, path, report);
    const auto [first, fresh] = seen.emplace(secret.text, i);
    if (!fresh) {
      report.warning(path, "is the same secret as " + join_path("session.secrets", first->second));
    }
  }
}

void validate_session_headers(const SessionConfig& session, Report& report) {
  std::map<std::string, std::string> names;                           // folded -> as written
  std::map<std::pair<std::string, ValueEncoding>, std::string> keys;  // -> header
  if (session.headers.size() > max_session_headers) {
    report.problem("session.headers", "are more than " + std::to_string(max_session_headers));
  }
  for (const SessionHeader& header : session.headers) {
    const std::string path = join_path("session.headers", header.name);
    if (!is_token(header.name)) {
      report.problem(path, "is no header name, expected letters, digits and -");
      continue;
    }
    if (is_reserved_for_injection(header.name)) {
      report.problem(path,
                     "no session value may stand in this header, nor in one that a backend could "
                     "take for it: the proxy reads or writes it itself");
      continue;
    }
    const auto [name, fresh] = names.emplace(fold_header_name(header.name), header.name);
    if (!fresh) {
      report.problem(path,
                     "a backend could take it for " + name->second + ", which is mapped already");
    }
    if (header.source != SessionHeader::Source::Value) {
      continue;
    }
    if (header.key.empty() || header.key.size() > 255) {
      report.problem(path, "expected the session key whose value to send, 1 to 255 bytes");
    }
    const auto [key, first] = keys.emplace(std::pair{header.key, header.encoding}, header.name);
    if (!first) {
      report.problem(path, "the key " + path_step(header.key) + " goes into " + key->second +
                               " already, in the same encoding");
    }
  }
}

bool is_cookie_path(std::string_view path) {
  return path.starts_with('/') && path.size() <= 1024 &&
         std::none_of(path.begin(), path.end(),
                      [](char c) { return c <= 0x20 || c >= 0x7F || c == ';'; });
}

bool is_cookie_domain(std::string_view domain) {
  return is_host(domain) && !domain.ends_with('.') && !parse_ip(domain) && !domain.starts_with('[');
}

constexpr std::string_view a_path =
    "expected a path that starts with /, in printable ASCII without ;";
constexpr std::string_view a_domain =
    "expected a host name without a leading dot, as in example.com";

// Each is cleared by a line of its own in one response.
constexpr std::size_t max_former_scopes = 8;

void validate_scopes(const CookieConfig& cookie, Report& report) {
  const std::string key = "session.cookie.previous";
  if (cookie.previous.size() > max_former_scopes) {
    report.problem(key, "are more than " + std::to_string(max_former_scopes) +
                            "; leave out those that no browser can have any more");
  }
  for (std::size_t i = 0; i < cookie.previous.size(); ++i) {
    const CookieScope& scope = cookie.previous[i];
    const std::string path = join_path(key, i);
    if (!is_token(scope.name) || scope.name.size() > 128) {
      report.problem(path + ".name", "expected 1 to 128 letters, digits, - or _");
    }
    if (!is_cookie_path(scope.path)) {
      report.problem(path + ".path", std::string{a_path});
    }
    if (!scope.domain.empty() && !is_cookie_domain(scope.domain)) {
      report.problem(path + ".domain", std::string{a_domain});
    }
    if (scope == CookieScope{cookie.name, cookie.path, cookie.domain}) {
      report.problem(path,
                     "is the scope that the cookie has now: it would be cleared when it is set");
    } else if (has_prefix(scope.name, "__Host-") && (scope.path != "/" || !scope.domain.empty())) {
      report.problem(path, "a __Host- cookie has path: / and no domain");
    }
  }
}

void validate_cookie(const CookieConfig& cookie, Report& report) {
  const bool secure_prefix = has_prefix(cookie.name, "__Secure-");
  const bool host_prefix = has_prefix(cookie.name, "__Host-");
  if (!is_token(cookie.name) || cookie.name.size() > 128) {
    report.problem("session.cookie.name", "expected 1 to 128 letters, digits, - or _");
  } else if ((host_prefix && !cookie.name.starts_with("__Host-")) ||
             (secure_prefix && !cookie.name.starts_with("__Secure-"))) {
    report.problem("session.cookie.name", "the prefixes are written __Host- and __Secure-");
  }
  if (!is_cookie_path(cookie.path)) {
    report.problem("session.cookie.path", std::string{a_path});
  }
  if (!cookie.domain.empty() && !is_cookie_domain(cookie.domain)) {
    report.problem("session.cookie.domain", std::string{a_domain});
  }
  const bool always = cookie.secure == SecureMode::Always;
  // RFC 6265bis 4.1.3: browsers drop a cookie that breaks the promise of its name.
  if ((secure_prefix || host_prefix) && !always) {
    report.problem("session.cookie.name", "the prefixes __Host- and __Secure- need secure: true");
  }
  if (host_prefix && !cookie.domain.empty()) {
    report.problem("session.cookie.domain", "a __Host- cookie has no domain");
  }
  if (host_prefix && cookie.path != "/") {
    report.problem("session.cookie.path", "a __Host- cookie has path: /");
  }
  if (cookie.bind_host && !cookie.domain.empty()) {
    report.problem("session.cookie.bind_host",
                   "does not go with a domain: each host would clear the cookie of the other");
  }
  if (cookie.same_site == SameSite::None && !always) {
    report.problem("session.cookie.same_site", "same_site: none needs secure: true");
  }
  if (cookie.partitioned && !always) {
    report.problem("session.cookie.partitioned", "partitioned: true needs secure: true");
  }
  if (!cookie.http_only) {
    report.warning("session.cookie.http_only", "scripts of the page can read the session cookie");
  }
  validate_scopes(cookie, report);
}

void validate_session(const SessionConfig& session, Report& report) {
  validate_secrets(session, report);
  validate_session_headers(session, report);
  validate_times(session, report);
  validate_store(session, report);
  validate_flask(session, report);
  validate_cookie(session.cookie, report);
  validate_trusted_origins(session, report);
}

}  // namespace keepsake
