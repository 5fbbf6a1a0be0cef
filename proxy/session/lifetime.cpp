#include "session/lifetime.hpp"

#include <algorithm>

#include "config/config.hpp"

namespace keepsake {

Lifetime lifetime_of(const SessionConfig& config) {
  std::chrono::seconds touch = config.touch_interval;
  if (config.cookie.lifetime) {
    touch = std::min(touch, *config.cookie.lifetime / 2);
  }
  return {config.idle_timeout, config.absolute_timeout, touch, config.not_before};
}

std::int64_t idle_timeout_of(const Lifetime& lifetime, const Session& session) {
  if (lifetime.idles && session.lifetime.value_or(0) != 0) {
    return *session.lifetime;
  }
  return lifetime.idle_timeout.count();
}

std::optional<std::chrono::seconds> cookie_life_of(
    const std::optional<std::chrono::seconds>& configured, const Session& session) {
  if (!session.lifetime) {
    return configured;
  }
  return *session.lifetime == 0 ? std::nullopt
                                : std::optional{std::chrono::seconds{*session.lifetime}};
}

OpenStatus judge(const Lifetime& lifetime, const Session& session, std::int64_t now) {
  if (std::max(session.created, session.touched) - now > kAcceptedSkew) {
    return OpenStatus::FromFuture;
  }
  if (lifetime.not_before && session.created < *lifetime.not_before) {
    return OpenStatus::BeforeNotBefore;
  }
  if (now - session.created > lifetime.absolute_timeout.count()) {
    return OpenStatus::AbsoluteExpired;
  }
  if (now - session.touched > idle_timeout_of(lifetime, session)) {
    return OpenStatus::IdleExpired;
  }
  return OpenStatus::Ok;
}

bool touch_due(const Lifetime& lifetime, const Session& session, std::int64_t now) {
  const std::int64_t own = idle_timeout_of(lifetime, session);
  const std::int64_t idle =
      session.has_id ? own : std::min<std::int64_t>(own, lifetime.absolute_timeout.count());
  const std::int64_t interval = std::min<std::int64_t>(lifetime.touch_interval.count(), idle / 2);
  const std::int64_t age = now - session.touched;
  return age > 0 && age >= interval;
}

std::int64_t last_second(const Lifetime& lifetime, const Session& session) {
  return std::min(session.touched + idle_timeout_of(lifetime, session),
                  session.created + lifetime.absolute_timeout.count());
}

}  // namespace keepsake
