#include "server/change_session.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "http/chars.hpp"
#include "server/attach_session.hpp"
#include "server/check_site.hpp"
#include "server/commit_session.hpp"
#include "server/worker.hpp"

namespace keepsake {

namespace {

constexpr std::size_t kMaxKey = 255;  // a byte of the sealed format

// A visitor without a session, or with an empty one, gets a new id: none that anybody knew before.
void begin_session(Exchange& x) {
  Session& session = x.work.session;
  x.worker.random().fill(session.id);
  session.has_id = true;
  session.created = unix_seconds(x.worker.clock().wall());
  x.worker.metrics().add(Counter::SessionsCreated);
}

void refuse_write(Exchange& x, std::string_view why) {
  x.worker.metrics().add(Counter::RefusedWrites);
  warn_within(x.worker.shared().lines.session_write, x.worker.streams().now(),
              "backend {} asked to write the session, refused: {} (request {})",
              x.balancer->config().name, why, request_id(x));
}

// Whether every pair is within the limits that hold for one value.
bool pairs_fit(const Exchange& x, const std::vector<FormPair>& pairs) {
  for (const auto& [key, value] : pairs) {
    if (value.size() > x.view->config().session.max_value || key.empty() || key.size() > kMaxKey) {
      return false;
    }
  }
  return true;
}

PrivilegedKeys privileged_keys(const Exchange& x) {
  return x.view->snapshot->privileged;
}

Fault change_in_cookie(Exchange& x, const std::vector<FormPair>& pairs, bool renew) {
  Session& session = x.work.session;
  const PrivilegedKeys privileged = privileged_keys(x);
  const Session before = privileged.empty() ? Session{} : session;
  const bool was_empty = session.bare();
  const std::size_t size_before = session.size();
  for (const auto& [key, value] : pairs) {
    // What another application keeps there without our seeing it goes, whatever is set instead.
    const bool forgot = x.view->codec->forget(session, key);
    const bool changes = value.empty() ? session.erase(key) : session.set(key, value);
    x.session.changed = x.session.changed || changes || forgot;
  }
  // A limit that was lowered since leaves a session what it has, and lets it shrink.
  if (session.size() > std::max(x.view->config().session.max_values, size_before)) {
    return Fault::TooManyValues;
  }
  renew = session.has_id && (renew || changes_privileged(before, session, privileged));
  x.session.changed = x.session.changed || (renew && !was_empty);
  if (!x.session.changed || session.bare()) {
    return Fault::None;
  }
  if (was_empty) {
    begin_session(x);
  } else if (renew) {
    x.worker.random().fill(session.id);
  }
  session.touched = unix_seconds(x.worker.clock().wall());
  return fits_cookie(x) ? Fault::None : Fault::SessionTooLarge;
}

Fault fail_store(Exchange& x) {
  x.worker.metrics().add(Counter::StoreErrors);
  x.session.keep_cookie = true;
  return Fault::StoreDown;
}

// The visitor's session goes by this id from now on: the response tells the browser.
void adopt(Exchange& x, const SessionId& id, std::int64_t created) {
  x.work.session.id = id;
  x.work.session.has_id = true;
  x.work.session.created = created;
  x.session.opened = x.session.changed = true;
  x.session.former = false;
}

Task<Fault> change_in_store(Exchange& x, const std::vector<FormPair>& pairs, ChangeTerms terms) {
  if (x.session.store_failed) {
    co_return Fault::StoreDown;  // a new session would take the place of one that could not be read
  }
  Metrics& metrics = x.worker.metrics();
  metrics.add(Counter::StoreWrites);
  const SessionId known = x.work.session.id;
  StoreWrite write{.id = x.session.opened ? &known : nullptr,
                   .may_begin = terms.may_begin,
                   .renew = terms.renew,
                   .values = pairs,
                   .privileged = privileged_keys(x),
                   .max_values = x.view->config().session.max_values};
  x.worker.random().fill(write.fresh);
  const StoreTimes times = store_times(x);
  const StoreWritten written = co_await x.view->store->change(write, times);
  switch (written.result) {
    case StoreResult::Ok:
      metrics.add(Counter::SessionsChanged);
      break;
    case StoreResult::Created:
      adopt(x, write.fresh, written.created);
      metrics.add(Counter::SessionsCreated);
      break;
    case StoreResult::Renewed:
      adopt(x, write.fresh, written.created);
      break;
    case StoreResult::Emptied:
      x.session.cleared = true;
      break;
    case StoreResult::Former:
    case StoreResult::Missing:
      // Ended by somebody else: it stays ended. If that was while this request was under way, the
      // browser may have the cookie of another session by now.
      x.session.opened = false;
      x.session.over = !x.session.loaded && x.session.ours;
      break;
    case StoreResult::TooMany:
      co_return Fault::TooManyValues;
    case StoreResult::Error:
      co_return fail_store(x);
  }
  co_return Fault::None;
}

// On its own: the exchange has waited for the store long enough.
Task<void> forget(std::shared_ptr<const View> view, SessionId id) {
  co_await view->store->erase(id);
}

// A new session in place of the visitor's, which ends once the new one is there: whatever is
// refused or fails, it is as it was.
Task<Fault> replace_in_store(Exchange& x, const std::vector<FormPair>& pairs) {
  StoreWrite write{
      .may_begin = true, .values = pairs, .max_values = x.view->config().session.max_values};
  x.worker.random().fill(write.fresh);
  const StoreTimes times = store_times(x);
  x.worker.metrics().add(Counter::StoreWrites);
  const StoreWritten begun = co_await x.view->store->change(write, times);
  if (begun.result == StoreResult::TooMany) {
    co_return Fault::TooManyValues;
  }
  if (begun.result == StoreResult::Error) {
    co_return fail_store(x);
  }
  const Fault fault = co_await end_session(x);
  if (begun.result != StoreResult::Created) {
    co_return fault;  // nothing but removals: the session ends
  }
  if (fault != Fault::None) {
    start(forget(x.client.view, write.fresh));
    co_return fault;
  }
  adopt(x, write.fresh, begun.created);
  x.worker.metrics().add(Counter::SessionsCreated);
  co_return Fault::None;
}

// What a response asks for.
struct Wish {
  bool clear = false;
  bool renew = false;
  std::vector<FormPair> pairs;
  FormError error = FormError::None;
};

// Whether the write would begin a session in place of one that the visitor may have. What signs the
// visitor in, or names a new session, does so knowingly.
bool might_replace(const Exchange& x, const Wish& wish) {
  const PrivilegedKeys privileged = privileged_keys(x);
  const bool knowing =
      wish.clear || wish.renew ||
      std::any_of(wish.pairs.begin(), wish.pairs.end(), [&](const auto& pair) {
        return std::find(privileged.begin(), privileged.end(), pair.first) != privileged.end();
      });
  const bool begins = std::any_of(wish.pairs.begin(), wish.pairs.end(),
                                  [](const auto& pair) { return !pair.second.empty(); });
  return begins && !knowing && !x.session.opened && !x.session.over && may_lack_cookie(x);
}

Wish read_wish(const ResponseHead& head) {
  Wish wish;
  for (const Field& field : head.fields) {
    if (!field.exact || wish.error != FormError::None) {
      continue;
    }
    if (field.id == FieldId::XSessionSet) {
      wish.error = read_pairs(field.value, wish.pairs);
    }
    const bool asked = equals_lower(field.value, "true");
    wish.clear = wish.clear || (field.id == FieldId::XSessionClear && asked);
    wish.renew = wish.renew || (field.id == FieldId::XSessionRenew && asked);
  }
  return wish;
}

bool asks_for_change(const ResponseHead& head) {
  return head.has(FieldId::XSessionSet) || head.has(FieldId::XSessionClear) ||
         head.has(FieldId::XSessionRenew);
}

Task<Fault> grant(Exchange& x, const Wish& wish) {
  if (!pairs_fit(x, wish.pairs)) {
    co_return Fault::ValueTooLarge;
  }
  if (wish.clear && x.view->store && !wish.pairs.empty()) {
    co_return co_await replace_in_store(x, wish.pairs);
  }
  if (wish.clear && x.view->store) {
    co_return co_await end_session(x);
  }
  const bool anonymous = !x.session.opened;
  if (wish.clear) {
    co_await end_session(x);
  }
  if (wish.pairs.empty() && !(wish.renew && x.session.opened)) {
    co_return Fault::None;
  }
  co_return co_await change_session(x, wish.pairs, {anonymous || wish.clear, wish.renew});
}

}  // namespace

Task<Fault> change_session(Exchange& x, const std::vector<FormPair>& pairs, ChangeTerms terms) {
  if (!pairs_fit(x, pairs)) {
    co_return Fault::ValueTooLarge;
  }
  if (x.view->store) {
    co_return co_await change_in_store(x, pairs, terms);
  }
  co_return change_in_cookie(x, pairs, terms.renew);
}

Task<Fault> end_session(Exchange& x) {
  bool ended_before = x.session.loaded;
  if (x.view->store && x.session.opened) {
    for (std::size_t i = 0; i < x.session.id_count; ++i) {
      x.worker.metrics().add(Counter::StoreWrites);
      const StoreResult erased = co_await x.view->store->erase(x.session.ids[i]);
      if (erased == StoreResult::Error) {
        co_return fail_store(x);
      }
      ended_before = ended_before && erased == StoreResult::Missing;
    }
  }
  x.work.session.reset();
  x.session.opened = false;
  x.session.changed = false;
  // If it ended while this request was under way, the browser may have the cookie of another
  // session by now.
  x.session.cleared = !ended_before;
  co_return Fault::None;
}

Task<void> apply_backend_writes(Exchange& x) {
  if (!asks_for_change(x.work.response)) {
    co_return;
  }
  const Wish wish = read_wish(x.work.response);
  if (wish.error != FormError::None) {
    refuse_write(x, describe(wish.error));
    co_return;
  }
  if (!wish.clear && !wish.renew && wish.pairs.empty()) {
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
  const Fault fault = co_await grant(x, wish);
  if (fault != Fault::None) {
    x.work.session = before;
    x.session = state;
    x.session.keep_cookie = fault == Fault::StoreDown;
    refuse_write(x, describe(fault).word);
  }
}

}  // namespace keepsake
