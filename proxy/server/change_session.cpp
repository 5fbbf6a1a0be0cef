#include "server/change_session.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "http/chars.hpp"
#include "server/attach_session.hpp"
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

bool asks_to_clear(const ResponseHead& head) {
  const Field* field = head.find(FieldId::XSessionClear);
  return field != nullptr && equals_lower(field->value, "true");
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

Fault change_in_cookie(Exchange& x, const std::vector<FormPair>& pairs) {
  Session& session = x.work.session;
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
  if (!x.session.changed || session.bare()) {
    return Fault::None;
  }
  if (was_empty) {
    begin_session(x);
  }
  session.touched = unix_seconds(x.worker.clock().wall());
  return fits_cookie(x) ? Fault::None : Fault::SessionTooLarge;
}

Task<Fault> change_in_store(Exchange& x, const std::vector<FormPair>& pairs, bool may_begin) {
  SessionId fresh{};
  x.worker.random().fill(fresh);
  const SessionId id = x.work.session.id;
  Metrics& metrics = x.worker.metrics();
  metrics.add(Counter::StoreWrites);
  const StoreTimes times = store_times(x);
  const StoreResult result =
      co_await x.view->store->change(x.session.opened ? &id : nullptr, may_begin ? &fresh : nullptr,
                                     pairs, x.view->config().session.max_values, times);
  switch (result) {
    case StoreResult::Ok:
      metrics.add(Counter::SessionsChanged);
      break;
    case StoreResult::Created:
      x.work.session.id = fresh;
      x.work.session.has_id = true;
      x.work.session.created = times.now;
      x.session.opened = x.session.changed = true;
      metrics.add(Counter::SessionsCreated);
      break;
    case StoreResult::Emptied:
      x.session.cleared = true;
      break;
    case StoreResult::Missing:
      // Ended by somebody else: it stays ended. If that was while this request was under way, the
      // browser may have the cookie of another session by now.
      x.session.opened = false;
      x.session.over = !x.session.loaded && x.session.ours;
      break;
    case StoreResult::TooMany:
      co_return Fault::TooManyValues;
    case StoreResult::Error:
      metrics.add(Counter::StoreErrors);
      x.session.keep_cookie = true;
      co_return Fault::StoreDown;
  }
  co_return Fault::None;
}

}  // namespace

Task<Fault> change_session(Exchange& x, const std::vector<FormPair>& pairs, bool may_begin) {
  if (!pairs_fit(x, pairs)) {
    co_return Fault::ValueTooLarge;
  }
  if (x.view->store) {
    co_return co_await change_in_store(x, pairs, may_begin);
  }
  co_return change_in_cookie(x, pairs);
}

Task<Fault> end_session(Exchange& x) {
  if (x.view->store && x.session.opened) {
    for (std::size_t i = 0; i < x.session.id_count; ++i) {
      x.worker.metrics().add(Counter::StoreWrites);
      if (co_await x.view->store->erase(x.session.ids[i]) == StoreResult::Error) {
        x.worker.metrics().add(Counter::StoreErrors);
        x.session.keep_cookie = true;
        co_return Fault::StoreDown;
      }
    }
  }
  x.work.session.reset();
  x.session.opened = false;
  x.session.changed = false;
  x.session.cleared = true;
  co_return Fault::None;
}

Task<void> apply_backend_writes(Exchange& x) {
  const ResponseHead& head = x.work.response;
  const bool clear = asks_to_clear(head);
  if (!clear && !head.has(FieldId::XSessionSet)) {
    co_return;
  }
  if (x.session.keep_cookie) {
    refuse_write(x, "the session is not known");
    co_return;
  }
  std::vector<FormPair> pairs;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::XSessionSet && field.exact) {
      if (const FormError error = read_pairs(field.value, pairs); error != FormError::None) {
        refuse_write(x, describe(error));
        co_return;
      }
    }
  }
  const Session before = x.work.session;  // a write that does not fit must leave it so
  const SessionState state = x.session;
  const bool anonymous = !x.session.opened;
  Fault fault = Fault::None;
  if (clear) {
    fault = co_await end_session(x);
  }
  if (fault == Fault::None && !pairs.empty()) {
    fault = co_await change_session(x, pairs, anonymous || clear);
  }
  if (fault != Fault::None) {
    x.work.session = before;
    x.session = state;
    x.session.keep_cookie = fault == Fault::StoreDown;
    refuse_write(x, describe(fault).word);
  }
}

}  // namespace keepsake
