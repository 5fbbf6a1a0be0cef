#include "server/attach_session.hpp"

#include <algorithm>
#include <array>

#include "base/base64url.hpp"
#include "base/log.hpp"
#include "http/hex.hpp"
#include "server/worker.hpp"

namespace keepsake {

namespace {

Counter counter_of(OpenStatus status) {
  switch (status) {
    case OpenStatus::UnknownKey:
      return Counter::RejectedUnknownKey;
    case OpenStatus::Forged:
      return Counter::RejectedForged;
    case OpenStatus::FromFuture:
      return Counter::RejectedFromFuture;
    case OpenStatus::IdleExpired:
      return Counter::RejectedIdle;
    case OpenStatus::AbsoluteExpired:
      return Counter::RejectedAbsolute;
    case OpenStatus::BeforeNotBefore:
      return Counter::RejectedNotBefore;
    default:
      return Counter::RejectedMalformed;
  }
}

void find_cookies(Exchange& x) {
  const RequestHead& head = x.work.request;
  if (!head.has(FieldId::Cookie)) {
    return;
  }
  const std::string_view name = x.view->config().session.cookie.name;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::Cookie && field.exact) {
      collect_candidates(field.value, name, x.session.cookies);
    }
  }
}

// Opens one candidate. Another worker may have begun to seal with the keys of a reload that this
// exchange is not part of yet: nobody is logged out by that.
OpenStatus open_cookie(Exchange& x, std::string_view cookie) {
  const bool bound = x.view->config().session.cookie.bind_host;
  const std::string_view binding = bound ? std::string_view{x.work.host} : std::string_view{};
  const View* view = x.view;
  Opened opened = view->codec->open(cookie, binding, x.work.session);
  if (opened.status == OpenStatus::UnknownKey && &x.worker.newest_view() != view) {
    view = &x.worker.newest_view();
    opened = view->codec->open(cookie, binding, x.work.session);
  }
  if (opened.status != OpenStatus::Ok) {
    return opened.status;
  }
  const OpenStatus status = judge(x.view->snapshot->cookie_lifetime, x.work.session,
                                  unix_seconds(x.worker.clock().wall()));
  if (status == OpenStatus::Ok) {
    KeyUse::count(*view->keys[opened.key_index]);
    x.session.reseal = view == x.view && opened.key_index > 0;
  }
  return status;
}

// Somewhere the same cookie name is sealed with a secret that is not configured here. Said once a
// minute: anybody can send such a cookie.
void log_unknown_key(Exchange& x, std::string_view cookie) {
  if (!x.worker.shared().unknown_key_line.now(x.worker.clock().steady())) {
    return;
  }
  std::string id;
  if (x.view->config().session.format == SessionFormat::Sealed) {
    std::array<std::uint8_t, 6> begin{};  // a version, four bytes of id, one more
    base64url_decode(cookie.substr(0, 8), begin);
    id = " (its key id is ";
    for (const std::uint8_t byte : std::span{begin}.subspan(1, 4)) {
      append_hex(byte, kLowerHex, id);
    }
    id.append(")");
  }
  log::warn(
      "a session cookie was sealed with a secret that is not among session.secrets{}: its visitor "
      "is anonymous here. If another replica made it, give every replica the same secrets; if a "
      "secret was removed, put it back behind the first until session.idle_timeout has passed",
      id);
}

// The values behind the id in the cookie. A store that cannot be asked logs nobody out.
Task<Fault> load_session(Exchange& x) {
  Metrics& metrics = x.worker.metrics();
  Session& session = x.work.session;
  const SessionId id = session.id;
  metrics.add(Counter::StoreReads);
  const StoreTimes times = store_times(x);
  switch (co_await x.view->store->load(id, times, session)) {
    case StoreResult::Ok:
      session.id = id;
      session.has_id = true;
      metrics.add(Counter::SessionsOpened);
      break;
    case StoreResult::Error:
      metrics.add(Counter::StoreErrors);
      x.session.opened = false;
      x.session.keep_cookie = true;
      if (x.view->config().session.on_store_error == OnStoreError::Refuse) {
        co_return Fault::StoreDown;
      }
      break;
    default:
      metrics.add(Counter::StoreMisses);
      x.session.opened = false;
      break;
  }
  if (!x.session.opened) {
    session.reset();
  }
  co_return Fault::None;
}

}  // namespace

StoreTimes store_times(const Exchange& x) {
  return store_times(*x.view->snapshot, unix_seconds(x.worker.clock().wall()));
}

StoreTimes store_times(const Snapshot& snapshot, std::int64_t now) {
  const Lifetime& lifetime = snapshot.lifetime;
  StoreTimes times;
  times.now = now;
  times.idle_timeout = lifetime.idle_timeout.count();
  times.absolute_timeout = lifetime.absolute_timeout.count();
  times.touch_interval =
      std::min(lifetime.touch_interval.count(), lifetime.idle_timeout.count() / 2);
  return times;
}

Task<Fault> attach_session(Exchange& x) {
  x.work.session.reset();
  if (!x.route->session) {
    return Fault::None;
  }
  find_cookies(x);
  for (std::size_t i = 0; i < x.session.cookies.count && !x.session.opened; ++i) {
    x.session.status = open_cookie(x, x.session.cookies.values[i]);
    if (x.session.status == OpenStatus::Ok) {
      x.session.opened = true;
      x.session.cookie_stamp = x.work.session.touched;
    } else {
      x.work.session.reset();
      x.worker.metrics().add(counter_of(x.session.status));
      if (x.session.status == OpenStatus::UnknownKey) {
        log_unknown_key(x, x.session.cookies.values[i]);
      }
    }
  }
  if (!x.session.opened) {
    return Fault::None;
  }
  // An action changes the store without looking first: one round trip instead of two.
  if (x.view->store && x.route->kind == RouteConfig::Kind::Backend) {
    return load_session(x);
  }
  x.worker.metrics().add(Counter::SessionsOpened);
  return Fault::None;
}

}  // namespace keepsake
