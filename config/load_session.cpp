// session: of the configuration.

#include <array>

#include "config/load_parts.hpp"
#include "config/session_format.hpp"
#include "config/units.hpp"

namespace keepsake {
namespace {

constexpr Millis ten_years = std::chrono::hours{24 * 3650};
constexpr std::string_view secret_forms = "{env: NAME} or {file: PATH}";

// A secret's text is what the variable or file holds, less the newline that editors and `echo` add.
void trim_newline(const Value& value, Secret& secret) {
  if (!secret.text.ends_with('\n')) {
    return;
  }
  secret.text.pop_back();
  if (secret.text.ends_with('\r')) {
    secret.text.pop_back();
  }
  value.reading().report.warning(
      value.path(), "the newline at the end of " + secret.origin + " is not part of the secret");
}

}  // namespace

void load_secret(const Value& value, bool may_be_short, Secret& secret, bool ours) {
  if (!value.is_map()) {
    value.expected(std::string{secret_forms} + "; a secret's text does not belong into this file");
    return;
  }
  Section section{value};
  const auto env = section.find("env");
  const auto file = section.find("file");
  if (may_be_short) {
    section.boolean("allow_short", secret.allow_short);
  }
  section.finish();
  if (env.has_value() == file.has_value()) {
    section.fail("expected either " + std::string{secret_forms});
    return;
  }
  const Environment& environment = value.reading().environment;
  if (env) {
    const auto name = env->text("the name of an environment variable");
    auto text = name ? environment.variable(*name) : std::nullopt;
    secret.origin = "env " + name.value_or("");
    if (name && !text) {
      env->fail("the environment variable " + *name +
                " is not set" +
                (ours ? "; `keepsake keygen` prints a good value for it" : ""));
    }
    secret.text = std::move(text).value_or("");
  } else {
    FileError error;
    const auto path = file->text("the path of a file");
    auto text = path ? environment.read_file(*path, error) : std::nullopt;
    secret.origin = "file " + path.value_or("");
    if (path && !text) {
      // Never where a file is: following the advice would destroy the secret in it.
      file->fail("the file " + file->quote(*path) + " cannot be read (" + error.why + ")" +
                 (error.missing && ours ? "; `keepsake keygen > FILE` makes one" : ""));
    }
    secret.text = std::move(text).value_or("");
  }
  trim_newline(value, secret);
}

namespace {

void load_secrets(const Value& value, std::vector<Secret>& secrets) {
  if (!value.is_list()) {
    value.expected("a list, as in [{env: SESSION_KEY}]");
    return;
  }
  for (const Value& item : value.items(secret_forms)) {
    load_secret(item, true, secrets.emplace_back());
  }
}

void load_header(const Value& value, SessionHeader& header) {
  constexpr std::array<std::string_view, 4> encodings{"percent", "display_string", "base64", "raw"};
  constexpr std::array<std::string_view, 1> all_forms{"json"};
  if (!value.is_map()) {
    read(value, header.key);
    return;
  }
  Section section{value};
  const auto key = section.find("key");
  const auto all = section.find("all");
  const auto id = section.find("id");
  const auto back = section.find("return");
  section.choice("encoding", header.encoding, encodings);
  section.finish();
  if (int{key.has_value()} + int{all.has_value()} + int{id.has_value()} + int{back.has_value()} !=
      1) {
    section.fail("expected exactly one of key: NAME, all: json, id: true and return: true");
    return;
  }
  if (key) {
    read(*key, header.key);
    return;
  }
  header.source = all  ? SessionHeader::Source::AllJson
                  : id ? SessionHeader::Source::Id
                       : SessionHeader::Source::Return;
  if (all) {
    read_word(*all, all_forms);
  } else {
    const Value& flag = id ? *id : *back;
    bool on = true;
    read(flag, on);
    if (!on) {
      flag.fail("false injects nothing; leave the header out");
    }
  }
  const std::string encoding = join_path(value.path(), "encoding");
  if (value.reading().report.has(encoding)) {
    value.reading().report.problem(encoding, "belongs to key: NAME; this header is ASCII already");
  }
}

void load_lifetime(const Value& value, std::optional<Seconds>& lifetime) {
  if (value.is_scalar() && value.node().text == "browser") {
    return;
  }
  if (const auto time = read_duration(value, Seconds{1}, kLongestCookie)) {
    if (*time % Seconds{1} != Millis{0}) {
      value.fail("counts whole seconds");
      return;
    }
    lifetime = std::chrono::duration_cast<Seconds>(*time);
  }
}

void load_domain(Section& section, std::string& domain) {
  if (const auto value = section.find_optional("domain")) {
    read(*value, domain);
    if (domain.empty() && value->is_scalar()) {
      value->fail("is empty; null or no key at all keeps the cookie to its own host");
    }
  }
}

// Former scopes of the cookie, whose name is the cookie's own where none is given.
void load_scopes(const Value& value, CookieConfig& cookie) {
  for (const Value& item : value.items("scopes, as in [{path: /app}]")) {
    CookieScope& scope = cookie.previous.emplace_back();
    scope.name = cookie.name;
    Section section{item};
    section.text("name", scope.name);
    section.text("path", scope.path);
    load_domain(section, scope.domain);
    section.finish();
  }
}

void load_cookie(const Value& value, CookieConfig& cookie) {
  constexpr std::array<std::string_view, 3> modes{"auto", "true", "false"};
  constexpr std::array<std::string_view, 3> sites{"lax", "strict", "none"};
  Section section{value};
  section.text("name", cookie.name);
  section.text("path", cookie.path);
  load_domain(section, cookie.domain);
  if (const auto lifetime = section.find("lifetime")) {
    load_lifetime(*lifetime, cookie.lifetime);
  }
  section.choice("secure", cookie.secure, modes);
  section.boolean("http_only", cookie.http_only);
  section.choice("same_site", cookie.same_site, sites);
  section.boolean("partitioned", cookie.partitioned);
  section.boolean("bind_host", cookie.bind_host);
  if (const auto previous = section.find("previous")) {
    load_scopes(*previous, cookie);
  }
  section.finish();
}

void load_flask(const Value& value, FlaskConfig& flask) {
  constexpr std::array<std::string_view, 4> digests{"sha1", "sha256", "sha384", "sha512"};
  constexpr Seconds longest = std::chrono::duration_cast<Seconds>(ten_years);
  Section section{value};
  section.duration("permanent_lifetime", flask.permanent_lifetime, Seconds{1}, longest);
  section.text("salt", flask.salt);
  section.choice("digest", flask.digest, digests);
  section.finish();
}

void load_not_before(const Value& value, std::optional<std::int64_t>& not_before) {
  constexpr std::string_view what = "a date, 2025-01-31 or 2025-01-31T12:00:00Z";
  if (const auto text = value.text(what)) {
    not_before = parse_date(*text);
    if (!not_before) {
      value.fail(value.quote(*text) + " is not " + std::string{what});
    }
  }
}

void load_origins(const Value& value, std::vector<std::string>& origins) {
  for (const Value& item : value.items("origins, as in [https://www.example.com]")) {
    read(item, origins.emplace_back());
  }
}

}  // namespace

void load_session(const Value& value, SessionConfig& session) {
  constexpr std::array<std::string_view, 3> stores{"cookie", "memory", "redis"};
  constexpr std::array<std::string_view, 2> on_error{"anonymous", "refuse"};
  constexpr Seconds longest = std::chrono::duration_cast<Seconds>(ten_years);
  Section section{value};
  if (const auto secrets = section.find("secrets")) {
    load_secrets(*secrets, session.secrets);
  }
  section.boolean("allow_short", session.allow_short);
  section.choice("format", session.format, session_format_words);
  section.choice("store", session.store, stores);
  if (const auto redis = section.find_optional("redis")) {
    load_redis(*redis, session.redis.emplace());
  }
  section.choice("on_store_error", session.on_store_error, on_error);
  section.number<std::size_t>("max_sessions", session.max_sessions, 1, 1'000'000'000);
  if (const auto headers = section.find("headers")) {
    session.headers.clear();
    for (const auto& [name, header] :
         read_names(*headers, "a map, as in {X-Session-Name: myName}")) {
      session.headers.emplace_back().name = name;
      load_header(header, session.headers.back());
    }
  }
  section.duration("idle_timeout", session.idle_timeout, Seconds{1}, longest);
  section.duration("absolute_timeout", session.absolute_timeout, Seconds{1}, longest);
  section.duration("touch_interval", session.touch_interval, Seconds{0}, longest);
  if (!value.reading().report.has("session.touch_interval")) {
    // A short idle_timeout would otherwise end sessions that are in use.
    session.touch_interval = std::min(session.touch_interval, session.idle_timeout / 4);
  }
  if (const auto keys = section.find("privileged")) {
    for (const Value& item : keys->items("session keys, as in [user, role]")) {
      read(item, session.privileged.emplace_back());
    }
  }
  if (const auto key = section.find_optional("index")) {
    read(*key, session.index.emplace());
  }
  if (const auto date = section.find_optional("not_before")) {
    load_not_before(*date, session.not_before);
  }
  section.number<std::size_t>("max_values", session.max_values, 1, 1000);
  section.size("max_value", session.max_value, 1, 65'535);
  if (const auto cookie = section.find("cookie")) {
    load_cookie(*cookie, session.cookie);
  }
  if (const auto flask = section.find("flask")) {
    load_flask(*flask, session.flask);
  }
  if (const auto origins = section.find("trusted_origins")) {
    load_origins(*origins, session.trusted_origins);
  }
  section.finish();
}

}  // namespace keepsake
