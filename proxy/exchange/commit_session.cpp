#include "exchange/commit_session.hpp"

#include <algorithm>

#include "exchange/attach_session.hpp"
#include "exchange/obey_backend.hpp"
#include "exchange/report_cookies.hpp"
#include "exchange/response_head.hpp"
#include "exchange/return_page.hpp"
#include "exchange/services.hpp"
#include "exchange/set_cookie.hpp"
#include "http/chars.hpp"

namespace keepsake {

using namespace std::string_view_literals;

namespace {

// RFC 6265bis 5.6: browsers drop a cookie whose name and value are longer together.
constexpr std::size_t kMaxCookie = 4096;

// One Vary line that has Cookie in it, whatever the backend said; "*" says it already (RFC
// 9110 12.5.5).
void add_vary(Exchange& x) {
  std::string& lines = x.work.session_lines;
  if (x.reply.status != 0) {
    lines.append("Vary: Cookie\r\n"sv);
    return;
  }
  ResponseHead& head = x.work.response;
  if (!head.has(FieldId::Vary)) {
    lines.append("Vary: Cookie\r\n"sv);
    return;
  }
  bool has_cookie = false;
  unsigned count = 0;
  std::string& joined = x.work.scratch;
  joined.clear();
  for (const Field& field : head.fields) {
    if (field.id != FieldId::Vary || !field.exact || field.drop) {
      continue;
    }
    ++count;
    for_each_list_element(field.value, [&](std::string_view name) {
      has_cookie = has_cookie || name == "*" || equals_lower(name, "cookie");
      joined.append(joined.empty() ? "" : ", ").append(name);
    });
  }
  if (has_cookie && count == 1) {
    return;
  }
  for (Field& field : head.fields) {
    field.drop = field.drop || (field.id == FieldId::Vary && field.exact);
  }
  if (!has_cookie) {
    joined.append(joined.empty() ? "Cookie" : ", Cookie");
  }
  lines.append("Vary: "sv).append(joined).append("\r\n"sv);
}

// Whether the cookie must be written again though nothing changed: its stamp is the session's
// (store: cookie), or the browser would let it go while the store still has the session.
bool cookie_is_due(const Exchange& x, std::int64_t now) {
  if (!x.view->store) {
    return touch_due(x.view->snapshot->lifetime, x.work.session, now);
  }
  const std::optional<Seconds> lifetime =
      cookie_life_of(x.view->config().session.cookie.lifetime, x.work.session);
  return lifetime &&
         now - x.session.cookie_stamp >= std::max<std::int64_t>(lifetime->count() / 10, 1);
}

// How long the stamp in the cookie lets the session live, with a store the browser; and of how
// much.
std::int64_t time_left(const Exchange& x, std::int64_t now, std::int64_t& whole) {
  const Lifetime& lifetime = x.view->snapshot->lifetime;
  const Session& session = x.work.session;
  whole = idle_timeout_of(lifetime, session);
  if (x.view->store) {
    const auto life = cookie_life_of(x.view->config().session.cookie.lifetime, session);
    whole = life ? life->count() : whole;
    return x.session.cookie_stamp + whole - now;
  }
  if (!session.has_id) {
    whole = std::min<std::int64_t>(whole, lifetime.absolute_timeout.count());
  }
  return session.touched + whole - now;
}

// The visitor may have ended the session since this request came, and a cookie written now would
// bring it back: one that is only written to renew it waits for a response that follows its request
// closely, unless the session might be over by then.
bool may_wait(const Exchange& x, std::int64_t now) {
  constexpr Seconds kClose{2};
  if (x.services.clock().steady() - x.started <= kClose) {
    return false;
  }
  std::int64_t whole = 0;
  const std::int64_t left = time_left(x, now, whole);
  return left * 4 >= whole;
}

// Writes a cookie that nothing has changed, if it is due.
void renew_cookie(Exchange& x, std::int64_t now) {
  const bool due = x.route->touch && cookie_is_due(x, now);
  if (x.session.rivals || x.session.former || (!due && !x.session.reseal) || may_wait(x, now)) {
    return;
  }
  x.services.metrics().add(due ? Counter::SessionsTouched : Counter::SessionsResealed);
  Session& session = x.work.session;
  session.touched = due ? now : session.touched;
  set_cookie(x);
}

// What the response says of the session, once all changes to it are known.
void append_cookie(Exchange& x) {
  SessionState& state = x.session;
  Session& session = x.work.session;
  Metrics& metrics = x.services.metrics();
  if (state.keep_cookie) {
    if (state.store_failed) {
      forbid_caching(x);  // a page for a stranger, and the visitor may be none
    }
    return;
  }
  const std::int64_t now = unix_seconds(x.services.clock().wall());
  const bool emptied = state.changed && session.bare() && !x.view->store;
  if (state.changed && !emptied) {
    session.touched = now;
    metrics.add(Counter::SessionsChanged);
    set_cookie(x);
  } else if (state.cleared || emptied) {
    if (state.ours) {
      metrics.add(Counter::SessionsCleared);
      clear_cookie(x);
    }
  } else if (state.opened) {
    renew_cookie(x, now);
  } else if (state.over) {
    clear_cookie(x);
  }
}

// Everything that the response says of the session, once a backend's changes are made.
void append_news(Exchange& x) {
  append_cookie(x);
  if (x.return_news != ReturnCookieNews::None) {
    append_return_cookie(x);
  }
  if (x.rules->is_private && x.reply.status == 0) {
    forbid_caching(x);
  }
}

Task<void> commit_after_writes(Exchange& x) {
  co_await obey_backend(x);
  append_news(x);
}

}  // namespace

bool fits_cookie(Exchange& x) {
  std::string& value = x.work.scratch;
  value.clear();
  // 0: no cookie of this format can say it, whatever its length.
  const std::size_t size = x.view->codec->seal(x.work.session, seal_host(x), value);
  return size != 0 && size + x.view->config().session.cookie.name.size() <= kMaxCookie;
}

Task<void> commit_session(Exchange& x) {
  if (x.reply.status == 0 && x.fault != Fault::None) {
    return {};  // nobody is there to be answered, and x.work.response may be of another exchange
  }
  if (x.reply.status == 0) {
    mark_response_lines(x);
  }
  if (x.route == nullptr || !x.route->session) {
    return {};
  }
  add_vary(x);
  if (x.reply.status == 0 && x.work.response.status == 431 && x.session.opened) {
    report_large_session(x);
  }
  if (x.reply.status == 0 && x.balancer->config().writes_session) {
    return commit_after_writes(x);
  }
  append_news(x);
  return {};
}

}  // namespace keepsake
