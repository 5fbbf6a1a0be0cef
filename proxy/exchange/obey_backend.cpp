#include "exchange/obey_backend.hpp"

#include <algorithm>

#include "config/units.hpp"
#include "exchange/attach_session.hpp"
#include "exchange/change_session.hpp"
#include "exchange/check_site.hpp"
#include "exchange/services.hpp"
#include "http/chars.hpp"
#include "io/log.hpp"
#include "store/end_sessions.hpp"

namespace keepsake {

namespace {

void refuse_write(Exchange& x, std::string_view why) {
  x.services.metrics().add(Counter::RefusedWrites);
  warn_within(x.services.shared().lines.session_write, x.services.streams().now(),
              "backend {} asked to write the session, refused: {} (request {})",
              x.balancer->config().name, why, request_id(x));
}

// What a response asks for.
struct Wish {
  bool clear = false;   // the visitor's session ends
  bool others = false;  // and those of the same person, or only those
  bool renew = false;
  std::optional<LifetimeChange> lifetime;
  std::vector<FormPair> pairs;
  std::string_view wrong;  // what in it has no meaning here

  bool changes_nothing() const { return !renew && !lifetime && pairs.empty(); }
  bool empty() const { return !clear && !others && changes_nothing(); }
};

// `30d` or `browser`, which is as configured where that is what the configuration says.
void read_lifetime(const Exchange& x, std::string_view text, Wish& wish) {
  const SessionConfig& session = x.view->config().session;
  if (session.format == SessionFormat::Flask) {
    wish.wrong = "X-Session-Lifetime: format flask has _permanent for that";
    return;
  }
  LifetimeChange change;
  if (!equals_lower(text, "browser")) {
    const auto time = parse_duration(text);
    if (!time || *time < Seconds{1} || *time % Seconds{1} != Millis{0}) {
      wish.wrong = "X-Session-Lifetime is neither browser nor a duration of whole seconds";
    } else if (*time > session.absolute_timeout) {
      wish.wrong = "X-Session-Lifetime is longer than session.absolute_timeout";
    } else if (*time > kLongestCookie) {
      wish.wrong = "X-Session-Lifetime is longer than browsers keep a cookie";
    } else {
      change.lifetime = static_cast<std::uint32_t>(*time / Seconds{1});
    }
  } else if (session.cookie.lifetime) {
    change.lifetime = 0;
  }
  if (wish.lifetime && wish.lifetime->lifetime != change.lifetime) {
    wish.wrong = "X-Session-Lifetime says two things";
  }
  wish.lifetime = change;
}

Wish read_wish(const Exchange& x) {
  Wish wish;
  for (const Field& field : x.work.response.fields) {
    if (!field.exact || !wish.wrong.empty()) {
      continue;
    }
    const bool asked = equals_lower(field.value, "true");
    if (field.id == FieldId::XSessionSet) {
      const FormError error = read_pairs(field.value, wish.pairs);
      wish.wrong = error != FormError::None ? describe(error) : std::string_view{};
    } else if (field.id == FieldId::XSessionClear) {
      const bool all = equals_lower(field.value, "all");
      wish.clear = wish.clear || asked || all;
      wish.others = wish.others || all || equals_lower(field.value, "others");
    } else if (field.id == FieldId::XSessionRenew) {
      wish.renew = wish.renew || asked;
    } else if (field.id == FieldId::XSessionLifetime) {
      read_lifetime(x, field.value, wish);
    }
  }
  const SessionConfig& session = x.view->config().session;
  if (wish.others && wish.wrong.empty() && !(x.view->store && session.index)) {
    wish.wrong = "X-Session-Clear: others and all need session.index";
  }
  return wish;
}

bool asks_for_change(const ResponseHead& head) {
  return head.has(FieldId::XSessionSet) || head.has(FieldId::XSessionClear) ||
         head.has(FieldId::XSessionRenew) || head.has(FieldId::XSessionLifetime);
}

// Whether the write would begin a session in place of one that the visitor may have. What signs the
// visitor in, or names a new session, does so knowingly.
bool might_replace(const Exchange& x, const Wish& wish) {
  const std::vector<std::string>& privileged = x.view->snapshot->privileged;
  const bool knowing =
      wish.clear || wish.renew ||
      std::any_of(wish.pairs.begin(), wish.pairs.end(), [&](const auto& pair) {
        return std::find(privileged.begin(), privileged.end(), pair.first) != privileged.end();
      });
  const bool begins = std::any_of(wish.pairs.begin(), wish.pairs.end(),
                                  [](const auto& pair) { return !pair.second.empty(); });
  return begins && !knowing && !x.session.opened && !x.session.over && may_lack_cookie(x);
}

Task<Fault> grant(Exchange& x, const Wish& wish) {
  if (wish.clear && x.view->store && !wish.pairs.empty()) {
    co_return co_await replace_session(x, wish.pairs, wish.lifetime);
  }
  if (wish.clear && x.view->store) {
    co_return co_await end_session(x);
  }
  const bool anonymous = !x.session.opened;
  if (wish.clear) {
    co_await end_session(x);
  }
  if (wish.changes_nothing() || (wish.pairs.empty() && !x.session.opened)) {
    co_return Fault::None;  // there is nothing that could be renewed or last longer
  }
  const ChangeTerms terms{anonymous || wish.clear, wish.renew, wish.lifetime};
  co_return co_await change_session(x, wish.pairs, terms);
}

// Whose sessions end: by the value that the visitor's had before this response.
std::optional<std::string> person(const Exchange& x, const Wish& wish) {
  if (!wish.others || !x.session.opened) {
    return std::nullopt;
  }
  const auto value = x.work.session.find(*x.view->config().session.index);
  return value ? std::optional{std::string{*value}} : std::nullopt;
}

void fail_others(Exchange& x) {
  x.services.metrics().add(Counter::StoreErrors);
  refuse_write(x, "the store did not answer while other sessions were ended: some may go on");
}

// All sessions of this person but the visitor's, as it is now.
Task<void> end_others(Exchange& x, std::string value) {
  const StoreTimes times = store_times(x);
  SessionStore& store = *x.view->store;
  std::vector<StoreKey> kept;
  if (x.session.opened) {
    kept.push_back(store_key(x.work.session.id));
    const StoreResult found = co_await store.use(kept.front(), std::nullopt, times);
    if (found == StoreResult::Error) {
      fail_others(x);  // which of them is the visitor's is not known
      co_return;
    }
  }
  const StoreEnded ended = co_await end_sessions_of(store, std::move(value), kept, times);
  x.services.metrics().add(Counter::StoreWrites, ended.count);
  x.services.metrics().add(Counter::SessionsCleared, ended.count);
  if (ended.result != StoreResult::Ok) {
    fail_others(x);
  }
}

}  // namespace

Task<void> obey_backend(Exchange& x) {
  if (!asks_for_change(x.work.response)) {
    co_return;
  }
  const Wish wish = read_wish(x);
  if (!wish.wrong.empty()) {
    refuse_write(x, wish.wrong);
    co_return;
  }
  if (wish.empty()) {
    co_return;
  }
  if (x.session.keep_cookie) {
    refuse_write(x, "the session is not known");
    co_return;
  }
  if (might_replace(x, wish)) {
    refuse_write(x,
                 "the request came from another site, which may have kept the visitor's cookie "
                 "back. A key of session.privileged, or X-Session-Renew: true, begins a session "
                 "all the same");
    co_return;
  }
  const Session before = x.work.session;  // a write that does not fit must leave it so
  const SessionState state = x.session;
  std::optional<std::string> whose = person(x, wish);
  const Fault fault = co_await grant(x, wish);
  if (fault != Fault::None) {
    x.work.session = before;
    x.session = state;
    x.session.keep_cookie = fault == Fault::StoreDown;
    refuse_write(x, describe(fault).word);
  } else if (whose) {
    co_await end_others(x, std::move(*whose));
  }
}

}  // namespace keepsake
