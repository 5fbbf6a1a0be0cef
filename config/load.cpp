#include "config/load.hpp"

#include <array>

#include "config/available.hpp"
#include "config/load_parts.hpp"
#include "config/validate.hpp"
#include "config/yaml_reader.hpp"

namespace keepsake {
namespace {

using std::chrono::hours;

void load_tls(const Value& value, ListenTls& tls) {
  Section section{value};
  TlsFiles& first = tls.certificates.emplace_back();
  section.text("certificate", first.certificate);
  section.text("key", first.key);
  section.finish();
}

void load_listener(const Value& value, ListenConfig& listener) {
  Section section{value};
  if (const auto address = section.find("address")) {
    read_socket_address(*address, listener.address);
  } else if (section.is_map()) {
    section.fail("address is missing, expected for example address: 0.0.0.0:8080");
  }
  section.boolean("proxy_protocol", listener.proxy_protocol);
  if (const auto tls = section.find_optional("tls")) {
    load_tls(*tls, listener.tls.emplace());
  }
  section.finish();
}

void load_workers(const Value& value, unsigned& workers) {
  if (value.is_scalar() && value.node().text == "auto") {
    workers = 0;
  } else if (const auto number = read_number(value, 1, 1024)) {
    workers = static_cast<unsigned>(*number);
  }
}

void load_trusted(const Value& value, std::vector<Cidr>& networks) {
  for (const Value& item : value.items("addresses or CIDR blocks")) {
    const auto text = item.text("an address or a CIDR block, as in 10.0.0.0/8");
    if (!text) {
      continue;
    }
    if (const auto cidr = parse_cidr(*text)) {
      networks.push_back(*cidr);
    } else {
      const bool host_bits = parse_ip(text->substr(0, text->find('/'))).has_value();
      item.fail(item.quote(*text) + " is no network" +
                (host_bits ? ": the prefix is out of range or bits behind it are set"
                           : ", expected for example 10.0.0.0/8 or \"2001:db8::/32\""));
    }
  }
}

void load_limits(const Value& value, LimitsConfig& limits) {
  constexpr ByteCount ki = 1024;
  constexpr std::size_t many = 1'000'000'000;
  Section section{value};
  section.size("header", limits.header, 512, 1024 * ki);
  section.number<std::size_t>("headers", limits.headers, 1, 10'000);
  section.size("target", limits.target, 64, 1024 * ki);
  section.size("body", limits.body, 1, ki * ki * ki * ki);
  section.size("form", limits.form, 1, 1024 * ki);
  section.number<std::size_t>("connections", limits.connections, 1, 10'000'000);
  section.number<std::size_t>("connections_per_client", limits.connections_per_client, 0,
                              10'000'000);
  section.number<std::size_t>("requests_per_connection", limits.requests_per_connection, 1, many);
  section.finish();
}

void load_timeouts(const Value& value, TimeoutsConfig& timeouts) {
  constexpr Millis least{1};
  constexpr Millis day = hours{24};
  Section section{value};
  section.duration("header", timeouts.header, least, day);
  section.duration("body", timeouts.body, least, day);
  section.duration("idle", timeouts.idle, least, 31 * day);
  section.duration("connect", timeouts.connect, least, day);
  section.duration("response", timeouts.response, least, day);
  section.duration("write", timeouts.write, least, day);
  section.duration("drain", timeouts.drain, Millis{0}, day);
  section.finish();
}

void load_log(const Value& value, LogConfig& log) {
  constexpr std::array<std::string_view, 5> levels{"trace", "debug", "info", "warn", "error"};
  constexpr std::array<std::string_view, 2> formats{"text", "json"};
  Section section{value};
  section.choice("level", log.level, levels);
  section.choice("format", log.format, formats);
  section.boolean("access", log.access);
  section.finish();
}

void load_admin(const Value& value, AdminConfig& admin) {
  Section section{value};
  if (const auto address = section.find_optional("address")) {
    SocketAddress where;
    if (read_socket_address(*address, where)) {
      admin.address = where;
    }
  }
  section.finish();
}

void load_root(const Value& root, Config& config) {
  constexpr std::array<std::string_view, 2> policies{"keep", "drop"};
  Section section{root};
  if (const auto listen = section.find("listen")) {
    for (const Value& item : listen->items("listeners, as in - address: 0.0.0.0:8080")) {
      load_listener(item, config.listen.emplace_back());
    }
  }
  if (const auto workers = section.find("workers")) {
    load_workers(*workers, config.workers);
  }
  section.choice("headers_with_underscore", config.headers_with_underscore, policies);
  if (const auto trusted = section.find("trusted_proxies")) {
    load_trusted(*trusted, config.trusted_proxies);
  }
  if (const auto backends = section.find("backends")) {
    load_backends(*backends, config.backends);
  }
  if (const auto routes = section.find("routes")) {
    load_routes(*routes, config.backends, config.routes);
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

Loaded unreadable(const std::string& path, const std::string& reason) {
  Loaded loaded;
  loaded.problems.push_back({path, 0, 0, "", "cannot be read: " + reason});
  return loaded;
}

}  // namespace

bool read_socket_address(const Value& value, SocketAddress& address) {
  const auto text = value.text("host:port, [v6]:port or unix:/path");
  if (!text) {
    return false;
  }
  std::string error;
  if (auto parsed = parse_socket_address(*text, error)) {
    address = std::move(*parsed);
    return true;
  }
  value.fail(value.quote(*text) + " is no address: " + error);
  return false;
}

Loaded load_config_file(const std::string& path) {
  const Environment environment = Environment::process();
  std::string error;
  const auto text = environment.read_file(path, error);
  return text ? load_config_text(*text, path, environment) : unreadable(path, error);
}

Loaded load_config_text(std::string_view yaml, std::string_view file_name,
                        const Environment& environment, LoadOptions options) {
  Loaded loaded;
  Report report{file_name};
  Config config;
  if (auto root = parse_yaml(yaml, report)) {
    if (root->kind == YamlNode::Kind::Null) {
      root->kind = YamlNode::Kind::Map;  // an empty file lacks what is required, and says that
    }
    Reading reading{report, environment, yaml, {}, {}};
    load_root(Value{reading, *root, "", ""}, config);
    loaded.known_keys = std::move(reading.known);
    loaded.used_keys = std::move(reading.used);
    if (root->kind == YamlNode::Kind::Map) {
      validate(config, environment, report);
      if (!options.assume_everything_built) {
        check_available(config, report);
      }
    }
  }
  if (report.empty()) {
    loaded.config = std::move(config);
  }
  loaded.problems = report.take_problems();
  loaded.warnings = report.take_warnings();
  return loaded;
}

}  // namespace keepsake
