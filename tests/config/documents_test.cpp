// Loader, schema, commented file and reference speak of the same keys and the same defaults.

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "support/catch.hpp"
#include "world.hpp"

using namespace keepsake;
using namespace keepsake::test;
namespace json = boost::json;

namespace {

const std::string folder = KEEPSAKE_SOURCE_DIR "/config/";

std::string read_text(const std::string& path) {
  std::ifstream stream{path};
  std::ostringstream content;
  content << stream.rdbuf();
  REQUIRE_FALSE(content.str().empty());
  return content.str();
}

// keepsake.yaml with the settings that are off by default: lines of # and no space, and, indented
// below them, of # and more than one space.
std::string with_everything_on() {
  std::istringstream lines{read_text(folder + "keepsake.yaml")};
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t hash = line.find_first_not_of(' ');
    const bool prose = hash == std::string::npos || line[hash] != '#' || hash + 2 >= line.size() ||
                       (line[hash + 1] == ' ' && line[hash + 2] != ' ');
    if (!prose) {
      line.erase(hash, 1);
    }
    // The route with verify needs a proxy in front.
    const std::string nobody = "trusted_proxies: []";
    if (line.starts_with(nobody)) {
      line.replace(0, nobody.size(), "trusted_proxies: [unix]");
    }
    out += line + '\n';
  }
  return out;
}

// What is known of keepsake.yaml with everything on, and what stands in it. session.redis has one
// of three ways to its servers at a time: those in comments take the place of the first in turn.
Loaded load_everything() {
  const std::string text = with_everything_on();
  Loaded all = World{}.load(text);
  const std::string first = "    url: \"rediss://";
  REQUIRE(text.find(first) != std::string::npos);
  for (const std::string other : {"sentinel", "cluster"}) {
    std::string changed = text;
    changed.replace(changed.find(first), 4, "    # ");
    const std::string off = "    # " + other + ":";
    REQUIRE(changed.find(off) != std::string::npos);
    changed.replace(changed.find(off), off.size(), "    " + other + ":");
    Loaded loaded = World{}.load(changed);
    all.problems.insert(all.problems.end(), loaded.problems.begin(), loaded.problems.end());
    all.used_keys.merge(loaded.used_keys);
    all.known_keys.merge(loaded.known_keys);
  }
  return all;
}

struct SchemaKey {
  std::string fallback;  // the default as YAML writes it; empty when there is none
  std::string text;
};

std::string yaml_of(const json::value& value) {
  if (value.is_string()) {
    return std::string{value.as_string()};
  }
  if (value.is_object()) {
    std::string out = "{";
    for (const auto& member : value.as_object()) {
      out +=
          (out.size() > 1 ? ", " : "") + std::string{member.key()} + ": " + yaml_of(member.value());
    }
    return out + "}";
  }
  return json::serialize(value);
}

void collect(const json::object& schema, const std::string& path,
             std::map<std::string, SchemaKey>& keys) {
  if (const auto* properties = schema.if_contains("properties")) {
    // Nothing but these may stand there.
    CHECK((schema.contains("additionalProperties") && schema.at("additionalProperties") == false));
    for (const auto& member : properties->as_object()) {
      const json::object& inner = member.value().as_object();
      const std::string key = path + (path.empty() ? "" : ".") + std::string{member.key()};
      SchemaKey& entry = keys[key];
      if (const auto* fallback = inner.if_contains("default")) {
        entry.fallback = yaml_of(*fallback);
      }
      INFO(key);
      REQUIRE(inner.contains("description"));
      collect(inner, key, keys);
    }
  }
  if (const auto* items = schema.if_contains("items")) {
    collect(items->as_object(), path + "[]", keys);
  }
  const auto* more = schema.if_contains("additionalProperties");
  if (more != nullptr && more->is_object()) {
    collect(more->as_object(), path + ".*", keys);
  }
  if (const auto* variants = schema.if_contains("anyOf")) {
    for (const json::value& variant : variants->as_array()) {
      collect(variant.as_object(), path, keys);
    }
  }
}

std::map<std::string, SchemaKey> schema_keys() {
  std::map<std::string, SchemaKey> keys;
  collect(json::parse(read_text(folder + "keepsake.schema.json")).as_object(), "", keys);
  return keys;
}

std::set<std::string> names(const std::map<std::string, SchemaKey>& keys) {
  std::set<std::string> out;
  for (const auto& [key, entry] : keys) {
    out.insert(key);
  }
  return out;
}

// The row of the reference's tables that begins with this key.
std::string row_of(const std::string& readme, const std::string& key) {
  const std::size_t start = readme.find("\n| `" + key + "` |");
  if (start == std::string::npos) {
    return {};
  }
  return readme.substr(start + 1, readme.find('\n', start + 1) - start - 1);
}

}  // namespace

TEST_CASE("keepsake.yaml says what the defaults are", "[config][documents]") {
  const World world;
  const Loaded written =
      load_config_text(read_text(folder + "keepsake.yaml"), "keepsake.yaml", world.environment());
  CHECK(lines(written.problems) == std::vector<std::string>{});
  CHECK(written.warnings == std::vector<std::string>{});
  REQUIRE(written.config);
  const Loaded least = world.load(
      "listen: [{address: \"0.0.0.0:8080\"}]\n"
      "backends: {app: {servers: [\"http://127.0.0.1:8081\"]}}\n"
      "routes:\n"
      "  - {path: /setName, set: {myName: name}}\n"
      "  - {path: /reset, clear: true}\n"
      "  - {path: \"/*\", backend: app}\n"
      "session: {secrets: [{env: SESSION_KEY}]}\n");
  REQUIRE(least.config);
  CHECK(*written.config == *least.config);
}

TEST_CASE("keepsake.yaml with everything on is correct and has every key", "[config][documents]") {
  const Loaded loaded = load_everything();
  CHECK(lines(loaded.problems) == std::vector<std::string>{});
  std::set<std::string> keys = loaded.known_keys;
  // env: stands in their place, and excludes them.
  keys.erase("backends.*.assertion.secret.file");
  keys.erase("admin.token.file");
  keys.erase("session.redis.password.file");
  keys.erase("session.redis.sentinel.password.file");
  for (const std::string tls : {"ca", "certificate", "key", "server_name", "verify"}) {
    keys.erase("session.redis.sentinel.tls." + tls);  // as session.redis.tls
  }
  CHECK(loaded.used_keys == keys);
}

TEST_CASE("the schema has the keys that the loader knows, and no other", "[config][documents]") {
  const Loaded loaded = load_everything();
  CHECK(names(schema_keys()) == loaded.known_keys);
}

TEST_CASE("the schema's defaults are the defaults", "[config][documents]") {
  // A file of every default that the schema names, over what is required.
  const World world;
  const auto keys = schema_keys();
  const auto section = [&](const std::string& prefix) {
    std::string flow;
    for (const auto& [key, entry] : keys) {
      if (key.starts_with(prefix + ".") &&
          key.find_first_of(".[", prefix.size() + 1) == std::string::npos &&
          !entry.fallback.empty()) {
        const std::string quote = entry.fallback.ends_with(':') ? "\"" : "";
        flow += (flow.empty() ? "" : ", ") + key.substr(prefix.size() + 1) + ": " + quote +
                entry.fallback + quote;
      }
    }
    return flow;
  };
  const std::string backend = "backends.*";
  const auto top = [&](const std::string& key) {
    return key + ": " + keys.at(key).fallback + "\n";
  };
  const auto whole = [&](const std::string& prefix) {
    return prefix.substr(prefix.rfind('.') + 1) + ": {" + section(prefix) + "}";
  };
  const std::string yaml =
      "listen:\n"
      "  - {address: \"127.0.0.1:8080\", " +
      section("listen[]") +
      "}\n"
      "  - {address: \"127.0.0.1:8443\", tls: {certificate: /etc/tls.crt, key: /etc/tls.key, "
      "client_ca: /etc/keepsake/clients.crt, " +
      section("listen[].tls") + "}}\n" + top("workers") + top("io_uring") +
      top("headers_with_underscore") + top("traceparent") + top("reload") + top("trusted_proxies") +
      "backends: {app: {servers: [{url: \"https://127.0.0.1:8081\", " +
      section(backend + ".servers[]") + "}], " + section(backend) + ", " +
      whole(backend + ".keepalive") + ", " + whole(backend + ".retry") + ", " +
      whole(backend + ".ejection") + ", " + whole(backend + ".health_check") + ", " +
      whole(backend + ".queue") + ", " + whole(backend + ".tls") +
      "}}\n"
      "routes:\n"
      "  - {path: /x, clear: true, redirect: " +
      keys.at("routes[].redirect").fallback + ", rate_limit: {requests: 5, " +
      section("routes[].rate_limit") +
      "}}\n  - {path: /w, set: {a: b}, renew: " + keys.at("routes[].renew").fallback +
      "}\n  - {path: /y, redirect: /z, status: " + keys.at("routes[].status").fallback +
      "}\n  - {path: \"/*\", backend: app, rewrite: {" + section("routes[].rewrite") +
      "}, session: " + keys.at("routes[].session").fallback +
      ", touch: " + keys.at("routes[].touch").fallback +
      ", cross_site: " + keys.at("routes[].cross_site").fallback +
      ", abandon: " + keys.at("routes[].abandon").fallback + ", rate_limits: [{requests: 5, " +
      section("routes[].rate_limits[]") + "}]}\n" + "session: {secrets: [{env: SESSION_KEY, " +
      section("session.secrets[]") + "}], " + section("session") + ", " + whole("session.cookie") +
      ", " + whole("session.flask") + ", redis: {url: \"rediss://h\", " + section("session.redis") +
      ", " + whole("session.redis.tls") + "}}\n" + whole("limits") + "\n" + whole("timeouts") +
      "\n" + whole("log") + "\n" + whole("admin") + "\n";
  INFO(yaml);
  const Loaded full = world.load(yaml);
  CHECK(lines(full.problems) == std::vector<std::string>{});
  REQUIRE(full.config);
  const Loaded least = world.load(
      "listen:\n"
      "  - {address: \"127.0.0.1:8080\"}\n"
      "  - {address: \"127.0.0.1:8443\", tls: {certificate: /etc/tls.crt, key: /etc/tls.key, "
      "client_ca: /etc/keepsake/clients.crt}}\n"
      "backends: {app: {servers: [\"https://127.0.0.1:8081\"], health_check: {}}}\n"
      "routes:\n"
      "  - {path: /x, clear: true, rate_limits: [{requests: 5}]}\n"
      "  - {path: /w, set: {a: b}}\n"
      "  - {path: /y, redirect: /z}\n"
      "  - {path: \"/*\", backend: app, rate_limit: {requests: 5}}\n"
      "session: {secrets: [{env: SESSION_KEY}], redis: {url: \"rediss://h\"}}\n");
  REQUIRE(least.config);
  CHECK(*full.config == *least.config);
  // Every default that the schema names stood in that file, but for this map, and what excludes
  // the URL of redis.
  for (const auto& [key, entry] : keys) {
    if (!entry.fallback.empty() && !key.starts_with("session.headers") &&
        !key.starts_with("session.redis.sentinel")) {
      INFO(key);
      CHECK(full.used_keys.contains(key));
    }
  }
}

TEST_CASE("the reference has a row for every key, with its default", "[config][documents]") {
  const std::string readme = read_text(folder + "README.md");
  for (const auto& [key, entry] : schema_keys()) {
    INFO(key);
    const std::string row = row_of(readme, key);
    REQUIRE_FALSE(row.empty());
    if (!entry.fallback.empty()) {
      CHECK(row.find("| `" + entry.fallback + "` |") != std::string::npos);
    }
  }
  std::size_t rows = 0;
  for (std::size_t at = readme.find("\n| `"); at != std::string::npos;
       at = readme.find("\n| `", at + 1)) {
    ++rows;
  }
  CHECK(rows == schema_keys().size());
}

TEST_CASE("the reference's smallest file is correct", "[config][documents]") {
  const std::string readme = read_text(folder + "README.md");
  const std::size_t start = readme.find("```yaml\n") + 8;
  const std::string yaml = readme.substr(start, readme.find("```", start) - start);
  const World world;
  const Loaded loaded = load_config_text(yaml, "README.md", world.environment());
  CHECK(lines(loaded.problems) == std::vector<std::string>{});
  CHECK(loaded.warnings == std::vector<std::string>{});
}

TEST_CASE("every file that a user may start from is correct", "[config][documents]") {
  World world;  // of one variable and no file
  world.variables = {{"SESSION_KEY", std::string{good_secret}}};
  world.files.clear();
  std::vector<std::filesystem::path> files{folder + "demo.yaml", folder + "keepsake.yaml"};
  for (const auto& entry : std::filesystem::directory_iterator{folder + "examples"}) {
    if (entry.path().extension() == ".yaml") {
      files.push_back(entry.path());
    }
  }
  CHECK(files.size() >= 14);
  for (const auto& file : files) {
    const Loaded loaded =
        load_config_text(read_text(file), file.filename().string(), world.environment());
    INFO(file.string());
    CHECK(lines(loaded.problems) == std::vector<std::string>{});
    CHECK(loaded.warnings == std::vector<std::string>{});
  }
}

TEST_CASE("the demo is what the tutorial says", "[config][documents]") {
  const World world;
  const Loaded loaded =
      load_config_text(read_text(folder + "demo.yaml"), "demo.yaml", world.environment());
  REQUIRE(loaded.config);
  const Config& config = *loaded.config;
  CHECK(config.listen[0].address.to_string() == "127.0.0.1:8080");
  CHECK(config.backends[0].servers[0].url == "http://127.0.0.1:8081");
  REQUIRE(config.routes.size() == 3);
  CHECK(config.routes[0].path == "/setName");
  CHECK(config.routes[0].set == std::vector<SetField>{{"myName", "name"}});
  CHECK(config.routes[1].path == "/reset");
  CHECK(config.routes[1].kind == RouteConfig::Kind::Clear);
  CHECK(config.routes[2].path == "/*");
  CHECK(config.session.headers[0].name == "X-Session-Name");
  CHECK(config.session.headers[0].key == "myName");
}
