#include "config/load.hpp"

#include <algorithm>
#include <array>

#include "config/load_parts.hpp"
#include "config/merge_yaml.hpp"
#include "config/validate.hpp"
#include "config/wipe.hpp"
#include "config/yaml_reader.hpp"
#include "http/chars.hpp"

namespace keepsake {
namespace {

void load_workers(const Value& value, unsigned& workers) {
  if (value.is_scalar() && value.node().text == "auto") {
    workers = 0;
  } else if (const auto number = read_number(value, 1, 1024)) {
    workers = static_cast<unsigned>(*number);
  }
}

void load_limits(const Value& value, LimitsConfig& limits) {
  constexpr ByteCount ki = 1024;
  constexpr std::size_t many = 1'000'000'000;
  Section section{value};
  section.size("header", limits.header, 512, 1024 * ki);
  section.size("response_header", limits.response_header, 512, 1024 * ki);
  section.number<std::size_t>("headers", limits.headers, 1, 10'000);
  section.size("target", limits.target, 64, 1024 * ki);
  section.size("body", limits.body, 1, largest_body);
  section.size("form", limits.form, 1, largest_form);
  section.number<std::size_t>("connections", limits.connections, 1, 10'000'000);
  section.number<std::size_t>("connections_per_client", limits.connections_per_client, 0,
                              10'000'000);
  section.number<std::size_t>("requests_per_connection", limits.requests_per_connection, 1, many);
  section.number<std::size_t>("streams", limits.streams, 1, 1000);
  section.number<std::size_t>("handshakes", limits.handshakes, 1, 1'000'000);
  section.number<std::size_t>("rate_buckets", limits.rate_buckets, 1, 100'000'000);
  section.finish();
}

void load_timeouts(const Value& value, TimeoutsConfig& timeouts) {
  Section section{value};
  section.duration("header", timeouts.header, shortest_wait, longest_wait);
  section.duration("body", timeouts.body, shortest_wait, longest_wait);
  section.duration("idle", timeouts.idle, shortest_wait, longest_idle);
  section.duration("connect", timeouts.connect, shortest_wait, longest_wait);
  section.duration("response", timeouts.response, shortest_wait, longest_wait);
  section.duration("write", timeouts.write, shortest_wait, longest_wait);
  section.duration("handshake", timeouts.handshake, shortest_wait, longest_wait);
  section.duration("drain", timeouts.drain, Millis{0}, longest_wait);
  section.duration("drain_delay", timeouts.drain_delay, Millis{0}, longest_wait);
  section.finish();
}

// null or a path.
void load_log_file(Section& section, std::string_view key, std::string& file) {
  if (const auto value = section.find_optional(key)) {
    read(*value, file);
    if (file.empty() && value->is_scalar()) {
      value->fail("is empty; null or no key at all writes to the standard stream");
    }
  }
}

void load_fields(const Value& value, std::vector<LogField>& fields) {
  for (const Value& item : value.items("fields, as in [time, status, duration]")) {
    const auto index = read_word(item, log_field_words);
    if (!index) {
      continue;
    }
    const auto field = static_cast<LogField>(*index);
    if (std::find(fields.begin(), fields.end(), field) != fields.end()) {
      item.fail(std::string{to_string(field)} + " is in the list already");
    } else {
      fields.push_back(field);
    }
  }
  if (value.is_list() && value.node().items.empty()) {
    value.fail("an empty list logs nothing; access: false turns the access log off");
  }
}

void load_log(const Value& value, LogConfig& log) {
  constexpr std::array<std::string_view, 5> levels{"trace", "debug", "info", "warn", "error"};
  constexpr std::array<std::string_view, 2> formats{"text", "json"};
  Section section{value};
  section.choice("level", log.level, levels);
  section.choice("format", log.format, formats);
  section.boolean("access", log.access);
  load_log_file(section, "file", log.file);
  load_log_file(section, "access_file", log.access_file);
  if (const auto fields = section.find_optional("fields")) {
    load_fields(*fields, log.fields);
  }
  section.finish();
}

void load_hosts(const Value& value, std::vector<std::string>& hosts) {
  constexpr std::string_view what = "a host name without a port, as in admin.example.com";
  for (const Value& item : value.items("host names, as in [admin.example.com]")) {
    if (auto text = item.text(what)) {
      std::transform(text->begin(), text->end(), text->begin(), to_lower);
      hosts.push_back(std::move(*text));
    }
  }
}

void load_admin(const Value& value, AdminConfig& admin) {
  Section section{value};
  if (const auto address = section.find_optional("address")) {
    SocketAddress where;
    if (read_socket_address(*address, where)) {
      admin.address = where;
    }
  }
  if (const auto token = section.find_optional("token")) {
    load_secret(*token, false, admin.token.emplace());
  }
  if (const auto hosts = section.find("hosts")) {
    load_hosts(*hosts, admin.hosts);
  }
  section.finish();
}

void load_root(const Value& root, Config& config) {
  constexpr std::array<std::string_view, 2> policies{"keep", "drop"};
  constexpr std::array<std::string_view, 2> reloads{"signal", "watch"};
  Section section{root};
  if (const auto listen = section.find("listen")) {
    load_listeners(*listen, config.listen);
  }
  if (const auto workers = section.find("workers")) {
    load_workers(*workers, config.workers);
  }
  section.boolean("io_uring", config.io_uring);
  section.choice("headers_with_underscore", config.headers_with_underscore, policies);
  section.boolean("traceparent", config.traceparent);
  section.choice("reload", config.reload, reloads);
  if (const auto trusted = section.find("trusted_proxies")) {
    load_trusted_proxies(*trusted, config);
  }
  if (const auto backends = section.find("backends")) {
    load_backends(*backends, config.backends);
  }
  if (const auto routes = section.find("routes")) {
    load_routes(*routes, config.backends, config.routes);
  }
  if (const auto pages = section.find("error_pages")) {
    load_error_pages(*pages, config.error_pages);
  }
  const auto session = section.find("session");
  // The default of a list is not the list's emptiness: without the key there is this one header.
  config.session.headers = {
      {"X-Session-Name", SessionHeader::Source::Value, "myName", ValueEncoding::Percent}};
  if (session) {
    load_session(*session, config.session);
  }
  if (const auto limits = section.find("limits")) {
    load_limits(*limits, config.limits);
  }
  if (const auto timeouts = section.find("timeouts")) {
    load_timeouts(*timeouts, config.timeouts);
  }
  if (const auto log = section.find("log")) {
    load_log(*log, config.log);
  }
  if (const auto admin = section.find("admin")) {
    load_admin(*admin, config.admin);
  }
  section.finish();
}

Loaded unreadable(const std::string& path, const std::string& reason, FileStates states) {
  Loaded loaded;
  loaded.problems.push_back({path, 0, 0, "", "cannot be read: " + reason});
  loaded.files = std::move(states);
  return loaded;
}

// The trees of all texts as one, whose root is a map unless the only text has another; empty if one
// is no YAML or no map.
std::optional<YamlNode> parse_texts(const std::vector<std::string_view>& texts, Report& report) {
  std::optional<YamlNode> whole;
  bool good = true;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::optional<YamlNode> root = parse_yaml(texts[i], report, static_cast<int>(i));
    if (!root) {
      good = false;
      continue;
    }
    if (root->kind == YamlNode::Kind::Null) {
      root->kind = YamlNode::Kind::Map;  // an empty file lacks what is required, and says that
    }
    if (texts.size() > 1 && root->kind != YamlNode::Kind::Map) {
      report.problem(root->position, "", "expected a map of keys and values");
      good = false;
    } else if (!whole) {
      whole = std::move(root);
    } else {
      merge_yaml(*whole, std::move(*root), report);
    }
  }
  return good ? std::move(whole) : std::nullopt;
}

// Certificates are read again when they change, by CertificateWatch: that is no reload.
void forget_certificates(const Config& config, FileStates& files) {
  const auto forget = [&files](const BackendTls& tls) {
    files.erase(tls.ca);
    files.erase(tls.certificate);
    files.erase(tls.key);
  };
  for (const ListenConfig& listen : config.listen) {
    if (listen.tls) {
      files.erase(listen.tls->client_ca);
      for (const TlsFiles& pair : listen.tls->certificates) {
        files.erase(pair.certificate);
        files.erase(pair.key);
      }
    }
  }
  for (const BackendConfig& backend : config.backends) {
    forget(backend.tls);
  }
  if (const auto& redis = config.session.redis) {
    for (const auto& tls : {redis->tls, redis->sentinel_tls}) {
      if (tls) {
        forget(*tls);
      }
    }
  }
}

}  // namespace

Loaded load_config_file(const std::string& path) {
  FileStates states;
  Environment environment = Environment::process();
  // Before it is read: a change in between is seen later.
  environment.read_file = [&states, read = std::move(environment.read_file)](
                              const std::string& file, FileError& error) {
    states.try_emplace(file, file_state(file));
    return read(file, error);
  };
  states.emplace(path, file_state(path));
  FileError error;
  const auto files = list_config_files(path, error);
  if (!files) {
    return unreadable(path, error.why, std::move(states));
  }
  std::vector<ConfigText> texts;
  for (const std::string& file : *files) {
    auto text = environment.read_file(file, error);
    if (!text) {
      return unreadable(file, error.why, std::move(states));
    }
    texts.push_back({file, std::move(*text)});
  }
  Loaded loaded = load_config_texts(texts, environment);
  loaded.files = std::move(states);
  if (loaded.config) {
    forget_certificates(*loaded.config, loaded.files);
  }
  return loaded;
}

Loaded load_config_text(std::string_view yaml, std::string_view file_name,
                        const Environment& environment) {
  return load_config_texts({{std::string{file_name}, std::string{yaml}}}, environment);
}

Loaded load_config_texts(const std::vector<ConfigText>& texts, const Environment& environment) {
  Loaded loaded;
  std::vector<std::string> files;
  std::vector<std::string_view> sources;
  for (const ConfigText& text : texts) {
    files.push_back(text.file);
    sources.push_back(text.text);
  }
  Report report{std::move(files)};
  Config config;
  if (const auto root = parse_texts(sources, report)) {
    Reading reading{report, environment, std::move(sources), {}, {}};
    load_root(Value{reading, *root, "", ""}, config);
    loaded.known_keys = std::move(reading.known);
    loaded.used_keys = std::move(reading.used);
    if (root->kind == YamlNode::Kind::Map) {
      validate(config, environment, report);
    }
  }
  if (report.empty()) {
    loaded.config = std::move(config);
  } else {
    wipe_secrets(config);
  }
  loaded.problems = report.take_problems();
  loaded.warnings = report.take_warnings();
  return loaded;
}

}  // namespace keepsake
