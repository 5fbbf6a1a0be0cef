#include "server/commit_session.hpp"

#include <algorithm>

#include "http/chars.hpp"
#include "server/change_session.hpp"
#include "server/request_head.hpp"
#include "server/response_head.hpp"
#include "server/worker.hpp"

namespace keepsake {

using namespace std::string_view_literals;

namespace {

// RFC 6265bis 5.6: browsers drop a cookie whose name and value are longer together.
constexpr std::size_t kMaxCookie = 4096;

std::string_view same_site_text(SameSite mode) {
  switch (mode) {
    case SameSite::Strict:
      return "Strict";
    case SameSite::None:
      return "None";
    case SameSite::Lax:
      break;
  }
  return "Lax";
}

CookieAttributes attributes_of(const Exchange& x) {
  const CookieConfig& cookie = x.view->config().session.cookie;
  CookieAttributes attributes;
  attributes.name = cookie.name;
  attributes.path = cookie.path;
  attributes.domain = cookie.domain;
  if (cookie.lifetime) {
    attributes.max_age = cookie.lifetime->count();
  }
  attributes.secure = cookie.secure == SecureMode::Always ||
                      (cookie.secure == SecureMode::Auto && client_uses_https(x));
  attributes.http_only = cookie.http_only;
  attributes.partitioned = cookie.partitioned;
  attributes.same_site = same_site_text(cookie.same_site);
  return attributes;
}

std::string_view binding_of(const Exchange& x) {
  return x.view->config().session.cookie.bind_host ? std::string_view{x.work.host}
                                                   : std::string_view{};
}

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

// A response that sets a cookie is for this visitor alone.
void forbid_caching(Exchange& x) {
  x.work.session_lines.append("Cache-Control: private, no-store\r\n"sv);
  for (Field& field : x.work.response.fields) {
    switch (field.id) {
      case FieldId::CacheControl:
      case FieldId::Expires:
      case FieldId::Pragma:
      case FieldId::CdnCacheControl:
      case FieldId::SurrogateControl:
        field.drop = true;
        break;
      default:
        break;
    }
  }
}

void set_cookie(Exchange& x) {
  std::string& value = x.work.scratch;
  value.clear();
  if (x.view->store) {
    Session ticket;  // the values stay in the store
    ticket.id = x.work.session.id;
    ticket.has_id = true;
    ticket.created = x.work.session.created;
    ticket.touched = unix_seconds(x.worker.clock().wall());
    x.view->codec->seal(ticket, binding_of(x), value);
  } else {
    x.view->codec->seal(x.work.session, binding_of(x), value);
  }
  std::string& lines = x.work.session_lines;
  lines.append("Set-Cookie: "sv);
  append_set_cookie(attributes_of(x), value, lines);
  lines.append("\r\n"sv);
  x.sets_cookie = true;
  forbid_caching(x);
}

void clear_cookie(Exchange& x) {
  std::string& lines = x.work.session_lines;
  lines.append("Set-Cookie: "sv);
  append_clear_cookie(attributes_of(x), lines);
  lines.append("\r\n"sv);
  x.sets_cookie = true;
  forbid_caching(x);
}

// Whether the cookie must be written again though nothing changed: its stamp is the session's
// (store: cookie), or the browser would let it go while the store still has the session.
bool cookie_is_due(const Exchange& x, std::int64_t now) {
  if (!x.view->store) {
    return touch_due(x.view->snapshot->lifetime, x.work.session, now);
  }
  const std::optional<Seconds>& lifetime = x.view->config().session.cookie.lifetime;
  return lifetime &&
         now - x.session.cookie_stamp >= std::max<std::int64_t>(lifetime->count() / 10, 1);
}

// What the response says of the session, once all changes to it are known.
void append_cookie(Exchange& x) {
  SessionState& state = x.session;
  Session& session = x.work.session;
  Metrics& metrics = x.worker.metrics();
  if (state.keep_cookie) {
    return;
  }
  const std::int64_t now = unix_seconds(x.worker.clock().wall());
  const bool emptied = state.changed && session.empty() && !x.view->store;
  if (state.changed && !emptied) {
    session.touched = now;
    metrics.add(Counter::SessionsChanged);
    set_cookie(x);
  } else if (state.cleared || emptied) {
    if (state.cookies.seen) {
      metrics.add(Counter::SessionsCleared);
      clear_cookie(x);
    }
  } else if (state.opened) {
    const bool due = cookie_is_due(x, now);
    if (due || state.reseal) {
      metrics.add(due ? Counter::SessionsTouched : Counter::SessionsResealed);
      session.touched = due ? now : session.touched;
      set_cookie(x);
    }
  } else if (state.cookies.seen) {
    clear_cookie(x);
  }
}

Task<void> commit_after_writes(Exchange& x) {
  co_await apply_backend_writes(x);
  append_cookie(x);
}

}  // namespace

bool fits_cookie(Exchange& x) {
  std::string& value = x.work.scratch;
  value.clear();
  // 0: no cookie of this format can say it, whatever its length.
  const std::size_t size = x.view->codec->seal(x.work.session, binding_of(x), value);
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
  if (x.reply.status == 0 && x.balancer->config().writes_session) {
    return commit_after_writes(x);
  }
  append_cookie(x);
  return {};
}

}  // namespace keepsake
