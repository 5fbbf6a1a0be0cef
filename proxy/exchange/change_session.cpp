#include "exchange/change_session.hpp"

#include <algorithm>

#include "exchange/attach_session.hpp"
#include "exchange/commit_session.hpp"
#include "exchange/services.hpp"

namespace keepsake {

namespace {

constexpr std::size_t kMaxKey = 255;  // a byte of the sealed format

// A visitor without a session, or with an empty one, gets a new id: none that anybody knew before.
void begin_session(Exchange& x) {
  Session& session = x.work.session;
  x.services.random().fill(session.id);
  session.has_id = true;
  session.created = unix_seconds(x.services.clock().wall());
  x.services.metrics().add(Counter::SessionsCreated);
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

// Whether the session in the workspace gets another lifetime than it has.
bool change_lifetime(Session& session, const std::optional<LifetimeChange>& change) {
  if (!change || session.bare() || session.lifetime == change->lifetime) {
    return false;
  }
  session.lifetime = change->lifetime;
  return true;
}

Fault change_in_cookie(Exchange& x, const std::vector<FormPair>& pairs, const ChangeTerms& terms) {
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
  const bool relived = change_lifetime(session, terms.lifetime);
  const bool renew =
      session.has_id && (terms.renew || changes_privileged(before, session, privileged));
  x.session.changed = x.session.changed || relived || (renew && !was_empty);
  if (!x.session.changed || session.bare()) {
    return Fault::None;
  }
  if (was_empty) {
    begin_session(x);
  } else if (renew) {
    x.services.random().fill(session.id);
  }
  session.touched = unix_seconds(x.services.clock().wall());
  return fits_cookie(x) ? Fault::None : Fault::SessionTooLarge;
}

Fault fail_store(Exchange& x) {
  x.services.metrics().add(Counter::StoreErrors);
  x.session.keep_cookie = true;
  return Fault::StoreDown;
}

// The visitor's session goes by this id from now on: the response tells the browser.
void adopt(Exchange& x, const SessionId& id, const StoreWritten& written) {
  x.work.session.id = id;
  x.work.session.has_id = true;
  x.work.session.created = written.created;
  x.work.session.lifetime = written.lifetime;
  x.session.opened = x.session.changed = true;
  x.session.former = false;
}

Task<Fault> change_in_store(Exchange& x, const std::vector<FormPair>& pairs, ChangeTerms terms) {
  if (x.session.store_failed) {
    co_return Fault::StoreDown;  // a new session would take the place of one that could not be read
  }
  Metrics& metrics = x.services.metrics();
  metrics.add(Counter::StoreWrites);
  const SessionId known = x.work.session.id;
  StoreWrite write{.id = x.session.opened ? &known : nullptr,
                   .may_begin = terms.may_begin,
                   .renew = terms.renew,
                   .values = pairs,
                   .privileged = privileged_keys(x),
                   .max_values = x.view->config().session.max_values,
                   .lifetime = terms.lifetime};
  x.services.random().fill(write.fresh);
  const StoreTimes times = store_times(x);
  const StoreWritten written = co_await x.view->store->change(write, times);
  switch (written.result) {
    case StoreResult::Ok:
      if (terms.lifetime && x.work.session.lifetime != terms.lifetime->lifetime) {
        x.work.session.lifetime = terms.lifetime->lifetime;
        x.session.changed = true;  // the browser must know, too
      } else {
        metrics.add(Counter::SessionsChanged);
      }
      break;
    case StoreResult::Created:
      adopt(x, write.fresh, written);
      metrics.add(Counter::SessionsCreated);
      break;
    case StoreResult::Renewed:
      adopt(x, write.fresh, written);
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

}  // namespace

Task<Fault> change_session(Exchange& x, const std::vector<FormPair>& pairs, ChangeTerms terms) {
  if (!pairs_fit(x, pairs)) {
    co_return Fault::ValueTooLarge;
  }
  if (x.view->store) {
    co_return co_await change_in_store(x, pairs, terms);
  }
  co_return change_in_cookie(x, pairs, terms);
}

Task<Fault> end_session(Exchange& x) {
  bool ended_before = x.session.loaded;
  if (x.view->store && x.session.opened) {
    for (std::size_t i = 0; i < x.session.id_count; ++i) {
      x.services.metrics().add(Counter::StoreWrites);
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

Task<Fault> replace_session(Exchange& x, const std::vector<FormPair>& pairs,
                            const std::optional<LifetimeChange>& lifetime) {
  if (!pairs_fit(x, pairs)) {
    co_return Fault::ValueTooLarge;
  }
  StoreWrite write{.may_begin = true,
                   .values = pairs,
                   .max_values = x.view->config().session.max_values,
                   .lifetime = lifetime};
  x.services.random().fill(write.fresh);
  const StoreTimes times = store_times(x);
  x.services.metrics().add(Counter::StoreWrites);
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
  adopt(x, write.fresh, begun);
  x.services.metrics().add(Counter::SessionsCreated);
  co_return Fault::None;
}

}  // namespace keepsake
