#pragma once
// When a session is over and when its stamp is due for renewal: pure functions of its stamps and
// the time, called after a codec or a store has opened it. Never looks at a clock.

#include <chrono>
#include <cstdint>
#include <optional>

#include "session/codec.hpp"
#include "session/session.hpp"

namespace keepsake {

struct SessionConfig;

// The times of the session section of the configuration.
struct Lifetime {
  std::chrono::seconds idle_timeout{std::chrono::hours{24}};
  std::chrono::seconds absolute_timeout{std::chrono::hours{24 * 31}};
  std::chrono::seconds touch_interval{60};
  std::optional<std::int64_t> not_before;  // unix seconds
  bool idles = true;                       // false: of a cookie whose store judges idleness
};

// A touch_interval of more than half of the cookie's own lifetime is cut down to that half: the
// browser would let the cookie of a visitor go who keeps coming.
Lifetime lifetime_of(const SessionConfig& config);

// How far ahead of our clock a stamp may be: replicas' clocks differ a little.
inline constexpr std::int64_t kAcceptedSkew = 30;

// How long the session may idle: by its own lifetime if it has one.
std::int64_t idle_timeout_of(const Lifetime& lifetime, const Session& session);

// How long the browser keeps the session's cookie: by its own lifetime, else by what
// `configured` says. Empty: until the browser closes.
std::optional<std::chrono::seconds> cookie_life_of(
    const std::optional<std::chrono::seconds>& configured, const Session& session);

// Ok, FromFuture, BeforeNotBefore, AbsoluteExpired or IdleExpired, looked for in this order. An age
// of exactly a timeout is still alive, as it is for Flask. A session without id (format flask) has
// one stamp, which was renewed with every write: both timeouts are then measured from it.
OpenStatus judge(const Lifetime& lifetime, const Session& session, std::int64_t now);

// True when a used session's stamp is old enough to be written again. A touch_interval of more than
// half of what the session may idle is cut down to that half: a visitor who keeps coming stays.
bool touch_due(const Lifetime& lifetime, const Session& session, std::int64_t now);

// The last second in which judge() says Ok if nothing touches the session again, not_before aside.
std::int64_t last_second(const Lifetime& lifetime, const Session& session);

}  // namespace keepsake
