#pragma once
// The parts of load.cpp that fill larger sections. Each leaves defaults where it complains.

#include "config/config.hpp"
#include "config/yaml_reader.hpp"

namespace keepsake {

// What a size or wait may be at most, for everybody and for one route.
inline constexpr ByteCount largest_body = ByteCount{1} << 40U;
inline constexpr ByteCount largest_form = ByteCount{1} << 20U;
inline constexpr Millis shortest_wait{1};
inline constexpr Millis longest_wait = std::chrono::hours{24};
inline constexpr Millis longest_idle = 31 * longest_wait;

// trusted_proxies: networks, and the word `unix`.
void load_trusted_proxies(const Value& value, Config& config);
void load_listeners(const Value& value, std::vector<ListenConfig>& listeners);
void load_backends(const Value& value, std::vector<BackendConfig>& backends);
// Backend names are looked up in `backends`, which is complete by then.
void load_routes(const Value& value, const std::vector<BackendConfig>& backends,
                 std::vector<RouteConfig>& routes);
// The keys that any kind of route may have.
void load_route_overrides(Section& section, RouteConfig& route);
// routes[].require, in its two forms.
void load_require(const Value& value, std::vector<Requirement>& require);
void load_session(const Value& value, SessionConfig& session);
void load_redis(const Value& value, RedisConfig& redis);
// How servers behind TLS are believed.
void load_server_tls(const Value& value, BackendTls& tls);
void load_error_pages(const Value& value, std::vector<ErrorPage>& pages);

// A list of addresses and CIDR blocks.
void load_networks(const Value& value, std::vector<Cidr>& networks);

// {env: NAME} or {file: PATH}, and allow_short where it `may_be_short`; reads the text too.
// `ours`: any good secret will do, so one can be made.
void load_secret(const Value& value, bool may_be_short, Secret& secret, bool ours = true);

// host:port, [v6]:port or unix:/path; false, with a problem, if it is none of them.
bool read_socket_address(const Value& value, SocketAddress& address);

// "redis://[user[:password]@]host[:port][/database]", rediss:// for TLS, or "unix:/path[?db=N]".
// False with one sentence in `error`, which never repeats the text: it may hold a password.
bool parse_redis_url(std::string_view url, RedisConfig& redis, std::string& error);

}  // namespace keepsake
