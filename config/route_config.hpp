#pragma once
// The settings of one route, a part of config.hpp; and the types that all settings share.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"

namespace keepsake {

using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
using ByteCount = std::uint64_t;

// RFC 6265bis 5.5: browsers keep no cookie for longer than 400 days.
inline constexpr Seconds kLongestCookie = std::chrono::hours{24 * 400};

struct SetField {
  std::string key;    // session key
  std::string field;  // form field
  bool operator==(const SetField&) const = default;
};

// What a route changes of the global limits and timeouts; empty: nothing.
struct RouteLimits {
  std::optional<ByteCount> body;
  std::optional<ByteCount> form;
  bool operator==(const RouteLimits&) const = default;
};
struct RouteTimeouts {
  std::optional<Millis> body, idle, connect, response, write;
  bool operator==(const RouteTimeouts&) const = default;
};

struct HeaderValue {
  std::string name;
  std::string value;
  bool operator==(const HeaderValue&) const = default;
};

// How a request and its response are changed on their way. The names that Keepsake itself decides
// (framing, Host, Cookie, forwarding, session headers) are refused by the validation. What the
// session needs wins over what is set here: the Cache-Control of a response with a session cookie.
struct RewriteConfig {
  std::string strip_prefix;  // of the path, by whole segments: /api of /api/x leaves /x
  std::string add_prefix;    // then put in front of it
  std::vector<HeaderValue> set_request_headers;  // in place of what the client sent
  std::vector<std::string> remove_request_headers;
  std::vector<HeaderValue> set_response_headers;  // in place of what the backend sent
  std::vector<std::string> remove_response_headers;
  // Location, Destination and the paths of cookies follow the prefix and the scheme.
  bool location = false;
  bool operator==(const RewriteConfig&) const = default;
  bool empty() const { return *this == RewriteConfig{}; }
};

// A token bucket for each client address or each session.
struct RateLimit {
  enum class Per : std::uint8_t { Client, Session };
  Per per = Per::Client;       // a visitor without a session counts by address
  std::uint32_t requests = 0;  // refilled every `every`
  Millis every = Seconds{1};
  std::uint32_t burst = 0;  // size of the bucket; 0: as `requests`
  bool operator==(const RateLimit&) const = default;
};

// A key that a session must hold for a route.
struct Requirement {
  std::string key;
  std::vector<std::string> values;  // one of them; empty: any value
  bool operator==(const Requirement&) const = default;
};

// The box "remember me" of a form: a session that begins or goes on with it checked.
struct RememberConfig {
  std::string field;    // form field
  Seconds lifetime{0};  // of the cookie in the browser, and how long the session may idle
  bool operator==(const RememberConfig&) const = default;
};

struct RouteConfig {
  enum class Kind : std::uint8_t { Set, Clear, Redirect, Show, Health, Verify, Backend };
  // Where an action leads: to `redirect`, to the page that `require` kept, or to the Referer.
  enum class Leads : std::uint8_t { There, Return, Back };
  // Which event on the client's side ends the backend's work: a reset, or the end of its bytes too.
  enum class Abandon : std::uint8_t { Reset, End };
  Kind kind = Kind::Backend;
  std::string path;                 // exact, or a segment-aware prefix ending in "/*"; normalised
  std::optional<std::string> host;  // lower case, without port; empty optional = any host
  std::vector<std::string>
      methods;                 // empty on a backend route = all; actions have theirs filled in
  std::vector<SetField> set;   // Kind::Set
  std::string redirect;        // the Location, except of Kind::Backend
  Leads leads = Leads::There;  // Kind::Set and Kind::Clear
  unsigned status = 303;       // Kind::Redirect: of the response
  bool renew = false;          // Kind::Set: the session gets a new id and keeps its values
  std::optional<RememberConfig> remember;  // Kind::Set
  std::size_t backend = 0;                 // Kind::Backend: index into Config::backends
  bool session = true;                     // false: no session work at all
  std::vector<Requirement> require;        // sessions without these are not admitted
  std::string otherwise;             // `else`: where page loads without such a session are sent
  std::vector<std::string> show;     // Kind::Show: keys whose values are told
  bool verify_status = false;        // Kind::Verify: 401 in place of a redirect
  bool touch = true;                 // false: a request here is no use of its session
  bool refuses_cross_site = false;   // Kind::Backend: unsafe methods from pages of other sites
  Abandon abandon = Abandon::Reset;  // Kind::Backend
  RouteLimits limits;
  RouteTimeouts timeouts;
  RewriteConfig rewrite;                      // Kind::Backend
  std::vector<HeaderValue> response_headers;  // on every response of the route, errors too
  std::vector<RateLimit> rate_limits;
  std::vector<Cidr> allow;  // client addresses; empty: all
  std::vector<Cidr> deny;   // before `allow`
  bool operator==(const RouteConfig&) const = default;
};

}  // namespace keepsake
