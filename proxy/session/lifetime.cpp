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
  if (now - session.touched > lifetime.idle_timeout.count()) {
    return OpenStatus::IdleExpired;
  }
  return OpenStatus::Ok;
}

bool touch_due(const Lifetime& lifetime, const Session& session, std::int64_t now) {
  const std::chrono::seconds idle =
      session.has_id ? lifetime.idle_timeout
                     : std::min(lifetime.idle_timeout, lifetime.absolute_timeout);
  const std::chrono::seconds interval = std::min(lifetime.touch_interval, idle / 2);
  const std::int64_t age = now - session.touched;
  return age > 0 && age >= interval.count();
}

std::int64_t last_second(const Lifetime& lifetime, const Session& session) {
  return std::min(session.touched + lifetime.idle_timeout.count(),
                  session.created + lifetime.absolute_timeout.count());
}

}  // namespace keepsake
