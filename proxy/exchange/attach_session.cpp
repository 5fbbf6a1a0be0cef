#include "exchange/attach_session.hpp"

#include <algorithm>
#include <array>

#include "exchange/report_cookies.hpp"
#include "exchange/return_page.hpp"
#include "exchange/services.hpp"
#include "http/cookie.hpp"
#include "http/cookie_line.hpp"

namespace keepsake {

namespace {

// More values of our names are not looked at, candidates or not; no browser sends so many.
constexpr std::size_t kMostCookies = 128;

// A cookie that opened, and that is not over by its own stamps.
struct Candidate {
  std::string_view value;
  std::size_t name = 0;  // 0: the current one, else a former one
  SessionId id{};
  bool has_id = false;
  bool reseal = false;
  std::int64_t stamp = 0;
  std::optional<std::uint32_t> lifetime;
};

// The candidates that opened, the one that counts first.
struct Candidates {
  std::array<Candidate, SessionState::kMostCandidates> list;
  std::size_t count = 0;
  std::size_t tried = 0;    // those that opened and those that did not
  std::size_t cookies = 0;  // of all our names, whatever they hold
  std::size_t current = 0;  // of the current name
};

// A current name before a former one, then the newest stamp; the first of equals stays first.
bool precedes(const Candidate& a, const Candidate& b) {
  const bool former_a = a.name != 0;
  const bool former_b = b.name != 0;
  return former_a != former_b ? former_b : a.stamp > b.stamp;
}

void insert(const Candidate& candidate, Candidates& found) {
  std::size_t place = found.count++;
  for (; place > 0 && precedes(candidate, found.list[place - 1]); --place) {
    found.list[place] = found.list[place - 1];
  }
  found.list[place] = candidate;
}

std::string_view seal_host(const Exchange& x, const View& view) {
  return view.config().session.cookie.bind_host ? x.site.name : std::string_view{};
}

// Opens one cookie into the workspace's session. Another worker may have begun to seal with the
// keys or the binding of a reload that this exchange is not part of yet: nobody is logged out by
// that. `view` is the one that opened it.
Opened open_cookie(Exchange& x, std::string_view cookie, std::size_t name, const View*& view) {
  view = x.view;
  const Opened opened = view->codec->open(cookie, seal_host(x, *view), name, x.work.session);
  const View& newest = x.services.newest_view();
  if (opened.status == OpenStatus::Ok || &newest == view ||
      newest.config().session.format != view->config().session.format ||
      name >= newest.snapshot->cookie_names.size()) {
    return opened;
  }
  const Opened retried = newest.codec->open(cookie, seal_host(x, newest), name, x.work.session);
  if (retried.status != OpenStatus::Ok) {
    return opened;
  }
  view = &newest;
  return retried;
}

void consider(Exchange& x, std::string_view value, std::size_t name, Candidates& found) {
  const View* view = nullptr;
  const Opened opened = open_cookie(x, value, name, view);
  const Session& session = x.work.session;
  OpenStatus status = opened.status;
  if (status == OpenStatus::Ok) {
    status =
        judge(x.view->snapshot->cookie_lifetime, session, unix_seconds(x.services.clock().wall()));
  }
  if (status == OpenStatus::Malformed || status == OpenStatus::UnknownKey) {
    if (name == 0) {  // of a former name an application may have a cookie by now
      report_cookie(x, value, status);
    }
    return;
  }
  ++found.tried;
  x.session.clears_former = x.session.clears_former || name != 0;
  if (status != OpenStatus::Ok) {
    const bool over = status != OpenStatus::Forged && status != OpenStatus::FromFuture;
    x.session.over = x.session.over || over;
    x.session.ours = x.session.ours || over;
    report_cookie(x, value, status);
    return;
  }
  KeyUse::count(*view->keys[opened.key_index]);
  const bool reseal = (view == x.view && opened.key_index > 0) || name != 0;
  insert({value, name, session.id, session.has_id, reseal, session.touched, session.lifetime},
         found);
  x.session.ours = true;
}

// All cookies of the session's names, in the order of the request.
Candidates find_candidates(Exchange& x) {
  const std::vector<std::string>& names = x.view->snapshot->cookie_names;
  Candidates found;
  for (const Field& field : x.work.request.fields) {
    if (field.id != FieldId::Cookie || !field.exact) {
      continue;
    }
    CookieLine line{field.value};
    for (std::string_view part; line.next(part);) {
      for (std::size_t name = 0; name < names.size(); ++name) {
        if (!is_cookie_of(part, names[name]) || cookie_name(part) != names[name] ||
            found.tried == SessionState::kMostCandidates || found.cookies == kMostCookies) {
          continue;
        }
        ++found.cookies;
        found.current += name == 0 ? 1 : 0;
        consider(x, cookie_value(part, names[name]), name, found);
      }
    }
  }
  const bool scoped = !x.view->config().session.cookie.previous.empty();
  x.session.clears_former = scoped && (x.session.clears_former || found.current > 1);
  return found;
}

// The candidate's session becomes the visitor's.
void choose(Exchange& x, const Candidate& candidate) {
  x.session.opened = true;
  x.session.over = false;
  x.session.reseal = candidate.reseal;
  x.session.cookie_stamp = candidate.stamp;
}

// Without a store every candidate is alive. The last that was opened is in the workspace.
void choose_first(Exchange& x, const Candidates& found) {
  const Candidate& first = found.list.front();
  if (found.cookies > 1) {
    const View* view = nullptr;
    open_cookie(x, first.value, first.name, view);
  }
  choose(x, first);
}

// A format without ids cannot tell two sessions from two states of one.
void note_rival(Exchange& x, const Candidate& first, const Candidate& other) {
  if (first.has_id && first.id != other.id && !x.session.rivals) {
    x.session.rivals = true;
    report_rivals(x);
  }
}

// A store that cannot be asked logs nobody out.
Fault lose_session(Exchange& x) {
  x.session.opened = false;
  x.session.keep_cookie = true;
  x.session.store_failed = true;
  x.work.session.reset();
  return x.view->config().session.on_store_error == OnStoreError::Refuse ? Fault::StoreDown
                                                                         : Fault::None;
}

bool asked_before(const Candidates& found, std::size_t place) {
  return std::any_of(found.list.begin(), found.list.begin() + static_cast<std::ptrdiff_t>(place),
                     [&](const Candidate& earlier) { return earlier.id == found.list[place].id; });
}

// The values behind the ids of the candidates: the first that is alive is the visitor's session.
Task<Fault> load_session(Exchange& x, Candidates found) {
  Metrics& metrics = x.services.metrics();
  const StoreTimes times = store_times(x);
  const Candidate* first = nullptr;
  Session other;
  x.session.opened = false;
  for (std::size_t i = 0; i < found.count; ++i) {
    const Candidate& candidate = found.list[i];
    if (asked_before(found, i)) {
      continue;
    }
    metrics.add(Counter::StoreReads);
    Session& session = first == nullptr ? x.work.session : other;
    session.id = candidate.id;
    const StoreResult result = co_await x.view->store->load(candidate.id, times, session);
    if (result == StoreResult::Error) {
      metrics.add(Counter::StoreErrors);
      co_return first == nullptr ? lose_session(x) : Fault::None;
    }
    if (result != StoreResult::Ok && result != StoreResult::Former) {
      metrics.add(Counter::StoreMisses);
      x.session.over = x.session.over || first == nullptr;
    } else if (first == nullptr) {
      first = &candidate;
      session.id = candidate.id;
      session.has_id = true;
      x.session.loaded = true;
      x.session.former = result == StoreResult::Former;
      choose(x, candidate);
      // The response that told the browser of a new lifetime did not reach it.
      x.session.reseal = x.session.reseal || session.lifetime != candidate.lifetime;
      metrics.add(Counter::SessionsOpened);
    } else {
      note_rival(x, *first, candidate);
    }
  }
  if (first == nullptr) {
    x.work.session.reset();
  }
  co_return Fault::None;
}

// An action changes the store without looking first: one round trip instead of two. Only which of
// several sessions a `set` changes must be known before; a `clear` ends them all. A route that
// requires something must know the values.
bool must_look(const Exchange& x, const Candidates& found) {
  if (!x.route->require.empty()) {
    return true;
  }
  return x.route->kind == RouteConfig::Kind::Set ? found.count > 1
                                                 : x.route->kind != RouteConfig::Kind::Clear;
}

}  // namespace

std::string_view seal_host(const Exchange& x) {
  return seal_host(x, *x.view);
}

StoreTimes store_times(const Exchange& x) {
  StoreTimes times = store_times(*x.view->snapshot, unix_seconds(x.services.clock().wall()));
  if (!x.route->touch) {
    times.touch_interval = times.absolute_timeout + 1;  // by then the session is over
  }
  return times;
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
  if (!x.route->session || !x.work.request.has(FieldId::Cookie)) {
    return Fault::None;
  }
  if (x.view->return_cookie) {
    find_return_page(x);
  }
  const Candidates found = find_candidates(x);
  if (found.count == 0) {
    x.work.session.reset();
    return Fault::None;
  }
  for (std::size_t i = 0; i < found.count; ++i) {
    x.session.ids[x.session.id_count++] = found.list[i].id;
  }
  choose_first(x, found);
  if (x.view->store && must_look(x, found)) {
    return load_session(x, found);
  }
  if (!x.view->store) {
    for (std::size_t i = 1; i < found.count; ++i) {
      note_rival(x, found.list.front(), found.list[i]);
    }
  }
  x.services.metrics().add(Counter::SessionsOpened);
  return Fault::None;
}

}  // namespace keepsake
