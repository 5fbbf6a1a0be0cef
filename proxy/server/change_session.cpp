#include "server/change_session.hpp"

#include "base/log.hpp"
#include "http/chars.hpp"
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
  log::warn("backend {} asked to write the session, refused: {} (request {})",
            x.balancer->config().name, why, request_id(x));
}

}  // namespace

Fault change_session(Exchange& x, std::span<const FormPair> pairs) {
  Session& session = x.work.session;
  const SessionConfig& config = x.view->config().session;
  const bool was_empty = session.empty();
  for (const auto& [key, value] : pairs) {
    if (value.size() > config.max_value || key.empty() || key.size() > kMaxKey) {
      return Fault::ValueTooLarge;
    }
    const bool changes = value.empty() ? session.erase(key) : session.set(key, value);
    x.session.changed = x.session.changed || changes;
  }
  if (session.size() > config.max_values) {
    return Fault::TooManyValues;
  }
  if (!x.session.changed || session.empty()) {
    return Fault::None;
  }
  if (was_empty) {
    begin_session(x);
  }
  session.touched = unix_seconds(x.worker.clock().wall());
  return fits_cookie(x) ? Fault::None : Fault::SessionTooLarge;
}

void apply_backend_writes(Exchange& x) {
  const ResponseHead& head = x.work.response;
  const bool clear = asks_to_clear(head);
  if (!clear && !head.has(FieldId::XSessionSet)) {
    return;
  }
  std::vector<FormPair> pairs;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::XSessionSet && field.exact) {
      if (const FormError error = read_pairs(field.value, pairs); error != FormError::None) {
        refuse_write(x, describe(error));
        return;
      }
    }
  }
  const Session before = x.work.session;  // a write that does not fit must leave it so
  const SessionState state = x.session;
  if (clear) {
    x.work.session.reset();
    x.session.cleared = true;
    x.session.changed = false;
  }
  if (const Fault fault = change_session(x, pairs); fault != Fault::None) {
    x.work.session = before;
    x.session = state;
    refuse_write(x, describe(fault).word);
  }
}

}  // namespace keepsake
