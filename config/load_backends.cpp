// backends: of the configuration.

#include <array>

#include "config/load_parts.hpp"

namespace keepsake {
namespace {

constexpr std::string_view server_forms = "http://host:port, https://host:port or unix:/path";

// "http://host[:port][/]" into the parts of `server`; one sentence, or nothing when all is well.
std::string parse_server_url(std::string_view url, ServerConfig& server) {
  if (!url.starts_with("unix:")) {
    server.tls = url.starts_with("https://");
    if (!server.tls && !url.starts_with("http://")) {
      return "expected " + std::string{server_forms};
    }
    url.remove_prefix(server.tls ? 8 : 7);
    if (url.ends_with('/')) {
      url.remove_suffix(1);
    }
    if (url.find_first_of("/?#") != std::string_view::npos) {
      return "a server is a place, not a page: nothing may follow host and port";
    }
    if (url.find('@') != std::string_view::npos) {
      return "user and password have no place here";
    }
  }
  std::string text{url};
  const std::size_t close = text.rfind(']');
  const bool port = text.find(':', close == std::string::npos ? 0 : close) != std::string::npos;
  if (!port) {
    text += server.tls ? ":443" : ":80";
  }
  std::string error;
  const auto address = parse_socket_address(text, error);
  if (!address) {
    return error;
  }
  server.address = *address;
  if (address->kind == SocketAddress::Kind::Tcp && address->port == 0) {
    return "nothing can be reached at port 0";
  }
  return {};
}

void load_server_url(const Value& value, ServerConfig& server) {
  const auto url = value.text(server_forms);
  if (!url) {
    return;
  }
  server.url = *url;
  if (const std::string error = parse_server_url(*url, server); !error.empty()) {
    value.fail(value.quote(*url) + " is no server: " + error);
  }
}

// A URL, or a map of it and what is special about this server.
void load_server(const Value& value, ServerConfig& server) {
  if (!value.is_map()) {
    load_server_url(value, server);
    return;
  }
  Section section{value};
  if (const auto url = section.find("url")) {
    load_server_url(*url, server);
  } else {
    section.fail("url is missing, expected for example url: http://127.0.0.1:8081");
  }
  section.number("weight", server.weight, 1U, 1000U);
  section.finish();
}

void load_host(const Value& value, HostHeader& host) {
  const auto text = value.text("preserve, backend or a host to send");
  if (!text) {
    return;
  }
  if (*text == "preserve") {
    host.mode = HostHeader::Mode::Preserve;
  } else if (*text == "backend") {
    host.mode = HostHeader::Mode::Backend;
  } else {
    host.mode = HostHeader::Mode::Literal;
    host.literal = *text;
  }
}

void load_health_check(const Value& value, HealthCheckConfig& check) {
  constexpr Millis hour = std::chrono::hours{1};
  Section section{value};
  section.text("path", check.path);
  section.duration("interval", check.interval, Millis{100}, hour);
  section.duration("timeout", check.timeout, Millis{10}, hour);
  section.number("healthy", check.healthy, 1U, 1000U);
  section.number("unhealthy", check.unhealthy, 1U, 1000U);
  section.finish();
}

void load_assertion(const Value& value, std::optional<Secret>& assertion) {
  Section section{value};
  if (const auto secret = section.find("secret")) {
    load_secret(*secret, false, assertion.emplace());
  } else if (section.is_map()) {
    section.fail("secret is missing, expected for example secret: {env: ASSERTION_KEY}");
  }
  section.finish();
}

void load_backend(const Value& value, BackendConfig& backend) {
  constexpr std::array<std::string_view, 3> balances{"round_robin", "least_requests",
                                                     "session_hash"};
  constexpr Millis hour = std::chrono::hours{1};
  Section section{value};
  if (const auto servers = section.find("servers")) {
    for (const Value& item : servers->items("servers, as in [http://127.0.0.1:8081]")) {
      load_server(item, backend.servers.emplace_back());
    }
  }
  section.choice("balance", backend.balance, balances);
  if (const auto host = section.find("host")) {
    load_host(*host, backend.host);
  }
  section.boolean("writes_session", backend.writes_session);
  if (const auto assertion = section.find_optional("assertion")) {
    load_assertion(*assertion, backend.assertion);
  }
  if (const auto keepalive = section.find("keepalive")) {
    Section inner{*keepalive};
    inner.number("idle", backend.keepalive_idle, 0U, 100'000U);
    inner.duration("idle_timeout", backend.keepalive_idle_timeout, shortest_wait, longest_wait);
    inner.finish();
  }
  if (const auto retry = section.find("retry")) {
    Section inner{*retry};
    inner.number("attempts", backend.retry_attempts, 1U, 10U);
    inner.finish();
  }
  if (const auto check = section.find_optional("health_check")) {
    load_health_check(*check, backend.health_check.emplace());
  }
  if (const auto ejection = section.find("ejection")) {
    Section inner{*ejection};
    inner.number("failures", backend.ejection_failures, 1U, 1'000'000U);
    inner.duration("for", backend.ejection_time, shortest_wait, longest_wait);
    inner.finish();
  }
  if (const auto tls = section.find_optional("tls")) {
    load_server_tls(*tls, backend.tls);
  }
  section.boolean("http2", backend.http2);
  section.duration("slow_start", backend.slow_start, Millis{0}, hour);
  section.number("max_requests", backend.max_requests, 0U, 1'000'000U);
  if (const auto queue = section.find("queue")) {
    Section inner{*queue};
    inner.number<std::size_t>("size", backend.queue, 0, 1'000'000);
    inner.duration("timeout", backend.queue_timeout, shortest_wait, hour);
    inner.finish();
  }
  section.finish();
}

}  // namespace

void load_server_tls(const Value& value, BackendTls& tls) {
  Section section{value};
  section.text("ca", tls.ca);
  section.text("certificate", tls.certificate);
  section.text("key", tls.key);
  section.text("server_name", tls.server_name);
  section.boolean("verify", tls.verify);
  section.finish();
}

void load_backends(const Value& value, std::vector<BackendConfig>& backends) {
  for (const auto& [name, backend] : read_names(value, "a map of names to backends")) {
    backends.emplace_back().name = name;
    load_backend(backend, backends.back());
  }
}

}  // namespace keepsake
