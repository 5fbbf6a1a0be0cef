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
#include "config/log_fields.hpp"
#include "config/route_config.hpp"

namespace keepsake {

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

struct ListenTls {
  // The first is for clients that name no host or one that no certificate is for; the others are
  // chosen by the names that they certify (SNI). Written certificate:/key: and certificates: [...].
  std::vector<TlsFiles> certificates;
  std::string client_ca;        // PEM file: clients show a certificate that one of these has signed
  bool client_required = true;  // false: a client without a certificate may come too
  std::string client_subject_header = "X-Client-Subject";  // to backends; never a client's own
  bool operator==(const ListenTls&) const = default;
};

struct ListenConfig {
  SocketAddress address;         // where clients connect
  bool proxy_protocol = false;   // a PROXY v1/v2 header is required, from trusted_proxies only
  std::optional<ListenTls> tls;  // with it this listener speaks https
  bool http2 = true;             // HTTP/2 by ALPN with tls, else by prior knowledge
  // Every request is answered with 308 to https at this port (443 for `true`).
  std::optional<std::uint16_t> redirect_to_https;
  std::optional<unsigned> mode;  // of a unix socket's file; empty: set by the umask
  bool operator==(const ListenConfig&) const = default;
};

enum class Balance : std::uint8_t { RoundRobin, LeastRequests, SessionHash };

struct ServerConfig {
  std::string url;        // as written, for logs and metrics
  SocketAddress address;  // where to connect
  bool tls = false;       // https://
  unsigned weight = 1;    // its share of the requests, relative to the others'
  bool operator==(const ServerConfig&) const = default;
};

// How servers that are written https:// are believed.
struct BackendTls {
  std::string ca;           // PEM file of authorities; empty: the system's
  std::string certificate;  // PEM files that we show to servers that ask; both or none
  std::string key;
  std::string server_name;  // the name to ask for and to verify; empty: the host in the URL
  bool verify = true;       // false: anybody may be the server; said at start and counted
  bool operator==(const BackendTls&) const = default;
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
  BackendTls tls;
  bool http2 = false;         // to its servers: by ALPN with https://, else by prior knowledge
  Millis slow_start{0};       // a server that comes back gets its full share only after this long
  unsigned max_requests = 0;  // in flight per server, all workers together; 0: no limit
  std::size_t queue = 100;    // requests that wait for a server below max_requests; then 503
  Millis queue_timeout = Seconds{1};  // how long one waits at most; then 503
  bool operator==(const BackendConfig&) const = default;
};

enum class ValueEncoding : std::uint8_t { Percent, DisplayString, Base64, Raw };

struct SessionHeader {
  // Return: the page that `require` kept when it sent the visitor away.
  enum class Source : std::uint8_t { Value, AllJson, Id, Return };
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

struct RedisServer {
  std::string host;
  std::uint16_t port = 6379;
  bool operator==(const RedisServer&) const = default;
};

struct RedisConfig {
  bool over_unix = false;
  std::string host = "127.0.0.1";  // or the socket's path when over_unix
  std::uint16_t port = 6379;
  std::string user, password;  // AUTH when password is not empty
  unsigned database = 0;
  Millis timeout = Millis{200};        // connect, and each command
  std::optional<BackendTls> tls;       // rediss://, or servers of Sentinel or a cluster behind TLS
  std::vector<RedisServer> sentinels;  // asked for the server that is the master of `master`
  std::string master;
  std::string sentinel_user, sentinel_password;
  std::optional<BackendTls> sentinel_tls;
  std::vector<RedisServer> cluster;  // seeds
  unsigned replicas = 0;             // how many replicas must have a write before it counts
  std::string prefix = "keepsake:";  // of every key
  bool operator==(const RedisConfig&) const = default;
};

// A name, path and domain under which the session cookie was set before: a cookie with this name is
// still opened, and the scope is cleared when the session cookie is set or cleared.
struct CookieScope {
  std::string name;
  std::string path = "/";
  std::string domain;  // empty: host-only
  bool operator==(const CookieScope&) const = default;
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
  bool bind_host = false;             // the request's host is part of what the seal authenticates
  std::vector<CookieScope> previous;  // former scopes of this cookie
  bool operator==(const CookieConfig&) const = default;
};

enum class OnStoreError : std::uint8_t { Anonymous, Refuse };

// What the Flask applications that share the cookie are configured with; format flask only.
struct FlaskConfig {
  enum class Digest : std::uint8_t { Sha1, Sha256, Sha384, Sha512 };
  Seconds permanent_lifetime = std::chrono::hours{24 * 31};  // PERMANENT_SESSION_LIFETIME
  std::string salt = "cookie-session";
  Digest digest = Digest::Sha1;
  bool operator==(const FlaskConfig&) const = default;
};

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
  FlaskConfig flask;
  // Origins (scheme://host[:port]) whose pages may post to actions and open WebSockets.
  std::vector<std::string> trusted_origins;
  // Session keys that mean "signed in": a change of one gives the session a new id.
  std::vector<std::string> privileged;
  // A session key: sessions in a store can be listed and ended by its value.
  std::optional<std::string> index;
  bool operator==(const SessionConfig&) const = default;
};

struct LimitsConfig {
  ByteCount header = 16 * 1024;           // bytes of a request's head, request line included
  ByteCount response_header = 64 * 1024;  // bytes of a response's head
  std::size_t headers = 100;              // header lines
  ByteCount target = 8 * 1024;            // bytes of the request target
  ByteCount body = 64 * 1024 * 1024;      // bytes of a request body
  ByteCount form = 8 * 1024;              // bytes of the body of a `set` action
  std::size_t connections = 10'000;
  std::size_t connections_per_client = 0;  // 0: no limit
  std::size_t requests_per_connection = 10'000;
  std::size_t streams = 100;           // exchanges at once on one HTTP/2 connection
  std::size_t handshakes = 1'000;      // TLS handshakes in progress; more are closed at once
  std::size_t rate_buckets = 100'000;  // of rate_limit, in memory; the least recently used go
  bool operator==(const LimitsConfig&) const = default;
};

struct TimeoutsConfig {
  Millis header = Seconds{10};     // the whole head, from its first byte
  Millis body = Seconds{30};       // between two signs of progress of the client's body
  Millis idle = Seconds{75};       // a kept-alive connection without a request; a silent tunnel
  Millis connect = Seconds{2};     // to a backend
  Millis response = Seconds{60};   // until the backend's head, then between its bytes
  Millis write = Seconds{30};      // a receiver that takes nothing
  Millis handshake = Seconds{10};  // of TLS, and the PROXY header before it
  Millis drain = Seconds{30};      // after SIGTERM
  Millis drain_delay{0};           // not ready any more, but still listening, before the drain
  bool operator==(const TimeoutsConfig&) const = default;
};

enum class LogLevel : std::uint8_t { Trace, Debug, Info, Warn, Error };
enum class LogFormat : std::uint8_t { Text, Json };

struct LogConfig {
  LogLevel level = LogLevel::Info;
  LogFormat format = LogFormat::Text;
  bool access = true;
  std::string file;              // of the log; empty: standard error
  std::string access_file;       // of the access log; empty: standard output
  std::vector<LogField> fields;  // of the access log, in this order; empty: the usual ones
  bool operator==(const LogConfig&) const = default;
};

struct AdminConfig {
  std::optional<SocketAddress> address;  // empty: no admin listener
  std::optional<Secret> token;           // whoever lists or ends sessions must show it
  // Further names of the Host header under which the admin listener answers.
  std::vector<std::string> hosts;
  bool operator==(const AdminConfig&) const = default;
};

// A page of one's own for responses that Keepsake makes itself. `{status}`, `{title}` and
// `{request_id}` in it are replaced.
struct ErrorPage {
  unsigned first = 0, last = 0;  // statuses, both included: 404 is 404..404, 5xx is 500..599
  bool matches(unsigned status) const { return first <= status && status <= last; }
  std::string file;
  std::string text;  // read by the loader
  bool operator==(const ErrorPage&) const = default;
};

enum class UnderscorePolicy : std::uint8_t { Keep, Drop };

// What makes a process read its configuration again, beside SIGHUP.
enum class ReloadMode : std::uint8_t { Signal, Watch };

struct Config {
  std::vector<ListenConfig> listen;
  unsigned workers = 0;  // 0 = auto: one per core
  // One system call for many reads and writes, where the kernel allows it.
  bool io_uring = true;
  UnderscorePolicy headers_with_underscore = UnderscorePolicy::Keep;
  // W3C Trace Context: continue a request's traceparent, or begin one, and log its id. False: the
  // header passes as it is.
  bool traceparent = false;
  std::vector<Cidr> trusted_proxies;
  bool trust_unix = false;  // `unix` is in trusted_proxies: every peer on a unix socket is trusted
  std::vector<BackendConfig> backends;
  std::vector<RouteConfig> routes;     // first match wins
  std::vector<ErrorPage> error_pages;  // first match wins; single statuses stand before classes
  SessionConfig session;
  LimitsConfig limits;
  TimeoutsConfig timeouts;
  LogConfig log;
  AdminConfig admin;
  ReloadMode reload = ReloadMode::Signal;
  bool operator==(const Config&) const = default;
};

}  // namespace keepsake
