#pragma once
// Every setting of Keepsake: plain structs with the defaults that a user gets, a sentence per
// field. Filled by load.cpp, judged by validate.cpp, read by everything to the right of config/.
// Immutable once loaded: the server holds it behind shared_ptr<const Config>.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"

namespace keepsake {

using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
using ByteCount = std::uint64_t;

// A secret's text, already read from its environment variable or file, and where it came from.
struct Secret {
  std::string origin;        // "env SESSION_KEY" or "file /run/secrets/key": for messages
  std::string text;          // less one trailing LF or CRLF; never printed
  bool allow_short = false;  // format flask only: under 32 bytes is fine for this one
  bool operator==(const Secret&) const = default;
};

struct TlsFiles {
  std::string certificate;  // PEM chain, leaf first
  std::string key;          // PEM private key
  bool operator==(const TlsFiles&) const = default;
};

struct ListenConfig {
  SocketAddress address;        // where clients connect
  bool proxy_protocol = false;  // a PROXY v1/v2 header is required, from trusted_proxies only
  std::optional<TlsFiles> tls;  // with it this listener speaks https
  bool operator==(const ListenConfig&) const = default;
};

enum class Balance : std::uint8_t { RoundRobin, LeastRequests, SessionHash };

struct ServerConfig {
  std::string url;        // as written, for logs and metrics
  SocketAddress address;  // where to connect
  bool tls = false;       // https://
  bool operator==(const ServerConfig&) const = default;
};

struct HealthCheckConfig {
  std::string path = "/healthz";
  Millis interval = Seconds{5};
  Millis timeout = Seconds{2};
  unsigned healthy = 2;    // successes in a row until a server comes back
  unsigned unhealthy = 3;  // failures in a row until a server goes
  bool operator==(const HealthCheckConfig&) const = default;
};

// What the backend sees as Host.
struct HostHeader {
  enum class Mode : std::uint8_t { Preserve, Backend, Literal };
  Mode mode = Mode::Preserve;
  std::string literal;
  bool operator==(const HostHeader&) const = default;
};

struct BackendConfig {
  std::string name;
  std::vector<ServerConfig> servers;
  Balance balance = Balance::RoundRobin;
  HostHeader host;
  bool writes_session = false;  // may change the session by response headers
  std::optional<Secret>
      assertion;                 // signs what it is told, so that it can tell Keepsake from others
  unsigned keepalive_idle = 64;  // idle connections kept per worker and server
  Millis keepalive_idle_timeout = Seconds{55};
  unsigned retry_attempts = 2;  // sends in all
  std::optional<HealthCheckConfig> health_check;
  unsigned ejection_failures = 5;  // consecutive connect failures until a server is left out
  Millis ejection_time = Seconds{10};
  bool operator==(const BackendConfig&) const = default;
};

struct SetField {
  std::string key;    // session key
  std::string field;  // form field
  bool operator==(const SetField&) const = default;
};

struct RouteConfig {
  enum class Kind : std::uint8_t { Set, Clear, Backend };
  Kind kind = Kind::Backend;
  std::string path;                 // exact, or a segment-aware prefix ending in "/*"; normalised
  std::optional<std::string> host;  // lower case, without port; empty optional = any host
  std::vector<std::string>
      methods;                // empty on a backend route = all; actions have theirs filled in
  std::vector<SetField> set;  // Kind::Set
  std::string redirect;       // Kind::Set and Kind::Clear: the Location
  std::size_t backend = 0;    // Kind::Backend: index into Config::backends
  bool session = true;        // false: no session work at all
  bool operator==(const RouteConfig&) const = default;
};

enum class ValueEncoding : std::uint8_t { Percent, DisplayString, Base64, Raw };

struct SessionHeader {
  enum class Source : std::uint8_t { Value, AllJson, Id };
  std::string name;  // header to the backend, as written
  Source source = Source::Value;
  std::string key;  // Source::Value
  ValueEncoding encoding = ValueEncoding::Percent;
  bool operator==(const SessionHeader&) const = default;
};

enum class SessionFormat : std::uint8_t { Sealed, Flask };
enum class SessionStoreKind : std::uint8_t { Cookie, Memory, Redis };
enum class SecureMode : std::uint8_t { Auto, Always, Never };
enum class SameSite : std::uint8_t { Lax, Strict, None };

struct RedisConfig {
  bool over_unix = false;
  std::string host = "127.0.0.1";  // or the socket's path when over_unix
  std::uint16_t port = 6379;
  std::string user, password;  // AUTH when password is not empty
  unsigned database = 0;
  Millis timeout = Millis{200};  // connect, and each command
  bool operator==(const RedisConfig&) const = default;
};

struct CookieConfig {
  std::string name = "session";
  std::string path = "/";
  std::string domain;               // empty: host-only
  std::optional<Seconds> lifetime;  // empty = browser: gone when the browser closes
  SecureMode secure = SecureMode::Auto;
  bool http_only = true;
  SameSite same_site = SameSite::Lax;
  bool partitioned = false;
  bool bind_host = false;  // the request's host is part of what the seal authenticates
  bool operator==(const CookieConfig&) const = default;
};

enum class OnStoreError : std::uint8_t { Anonymous, Refuse };

struct SessionConfig {
  std::vector<Secret> secrets;  // the first seals, every one opens
  bool allow_short = false;     // format flask only: secrets under 32 bytes
  SessionFormat format = SessionFormat::Sealed;
  SessionStoreKind store = SessionStoreKind::Cookie;
  std::optional<RedisConfig> redis;
  OnStoreError on_store_error = OnStoreError::Anonymous;
  std::size_t max_sessions =
      100'000;  // store: memory keeps at most this many, least recently used go
  std::vector<SessionHeader> headers;  // without the key the loader gives X-Session-Name <- myName
  Seconds idle_timeout = std::chrono::hours{24};
  Seconds absolute_timeout = std::chrono::hours{24 * 31};
  Seconds touch_interval = Seconds{60};
  std::optional<std::int64_t> not_before;  // unix seconds: sessions created before are over
  std::size_t max_values = 32;
  ByteCount max_value = 256;
  CookieConfig cookie;
  bool operator==(const SessionConfig&) const = default;
};

struct LimitsConfig {
  ByteCount header = 16 * 1024;       // bytes of a head, request line included
  std::size_t headers = 100;          // header lines
  ByteCount target = 8 * 1024;        // bytes of the request target
  ByteCount body = 64 * 1024 * 1024;  // bytes of a request body
  ByteCount form = 8 * 1024;          // bytes of the body of a `set` action
  std::size_t connections = 10'000;
  std::size_t connections_per_client = 0;  // 0: no limit
  std::size_t requests_per_connection = 10'000;
  bool operator==(const LimitsConfig&) const = default;
};

struct TimeoutsConfig {
  Millis header = Seconds{10};    // the whole head, from its first byte
  Millis body = Seconds{30};      // between two signs of progress of the client's body
  Millis idle = Seconds{75};      // a kept-alive connection without a request; a silent tunnel
  Millis connect = Seconds{2};    // to a backend
  Millis response = Seconds{60};  // until the backend's head, then between its bytes
  Millis write = Seconds{30};     // a receiver that takes nothing
  Millis drain = Seconds{30};     // after SIGTERM
  bool operator==(const TimeoutsConfig&) const = default;
};

enum class LogLevel : std::uint8_t { Trace, Debug, Info, Warn, Error };
enum class LogFormat : std::uint8_t { Text, Json };

struct LogConfig {
  LogLevel level = LogLevel::Info;
  LogFormat format = LogFormat::Text;
  bool access = true;
  bool operator==(const LogConfig&) const = default;
};

struct AdminConfig {
  std::optional<SocketAddress> address;  // empty: no admin listener
  bool operator==(const AdminConfig&) const = default;
};

enum class UnderscorePolicy : std::uint8_t { Keep, Drop };

struct Config {
  std::vector<ListenConfig> listen;
  unsigned workers = 0;  // 0 = auto: one per core
  UnderscorePolicy headers_with_underscore = UnderscorePolicy::Keep;
  std::vector<Cidr> trusted_proxies;
  std::vector<BackendConfig> backends;
  std::vector<RouteConfig> routes;  // first match wins
  SessionConfig session;
  LimitsConfig limits;
  TimeoutsConfig timeouts;
  LogConfig log;
  AdminConfig admin;
  bool operator==(const Config&) const = default;
};

}  // namespace keepsake
