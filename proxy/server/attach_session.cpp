#include "server/attach_session.hpp"

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

}  // namespace

Task<Fault> attach_session(Exchange& x) {
  x.work.session.reset();
  if (!x.route->session) {
    co_return Fault::None;
  }
  find_cookies(x);
  const SessionConfig& config = x.view->config().session;
  const std::string_view binding = config.cookie.bind_host ? std::string_view{x.work.host} : "";
  for (std::size_t i = 0; i < x.session.cookies.count && !x.session.opened; ++i) {
    const Opened opened = x.view->codec->open(x.session.cookies.values[i], binding, x.work.session);
    x.session.status = opened.status;
    if (opened.status == OpenStatus::Ok) {
      x.session.status =
          judge(x.view->snapshot->lifetime, x.work.session, unix_seconds(x.worker.clock().wall()));
    }
    if (x.session.status == OpenStatus::Ok) {
      x.session.opened = true;
      x.session.reseal = opened.key_index > 0;
      x.worker.metrics().add(Counter::SessionsOpened);
    } else {
      x.work.session.reset();
      x.worker.metrics().add(counter_of(x.session.status));
    }
  }
  co_return Fault::None;
}

}  // namespace keepsake
