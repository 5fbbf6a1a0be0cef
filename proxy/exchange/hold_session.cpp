#include "exchange/hold_session.hpp"

#include <algorithm>

#include "exchange/attach_session.hpp"
#include "exchange/relay_upgrade.hpp"
#include "exchange/services.hpp"

namespace keepsake {

// What is known of one exchange's session; shared with the question to the store that is under way.
struct SessionHold {
  StoreKey key{};         // of the session as it goes on after renewals
  SteadyTime used_until;  // the store has been told of use until then
  SteadyTime next;        // when to ask the store again
  bool asking = false;
  bool over = false;  // the session has ended
};

namespace {

// A WebSocket is closed within 30 s of its session's end, and a former id can be followed to its
// session for as long.
constexpr Seconds kLongestBetweenLooks{15};

// Four times in the time after which a session without use is over.
Millis between_looks(const Exchange& x) {
  const Millis quarter = Seconds{idle_timeout_of(x.view->snapshot->lifetime, x.work.session)} / 4;
  return x.client.tunnel != nullptr ? std::min<Millis>(quarter, kLongestBetweenLooks) : quarter;
}

// On its own: the exchange may be over before the store says anything.
Task<void> tell_store(std::shared_ptr<const View> view, std::shared_ptr<SessionHold> hold,
                      std::optional<StoreUse> use, StoreTimes times, Metrics& metrics) {
  metrics.add(Counter::StoreReads);
  const StoreResult result = co_await view->store->use(hold->key, use, times);
  if (result == StoreResult::Error) {
    metrics.add(Counter::StoreErrors);
  }
  hold->over = hold->over || result == StoreResult::Missing;
  hold->asking = false;
}

// Tells the store of use until `to`.
void tell(Exchange& x, SteadyTime to) {
  SessionHold& hold = *x.hold;
  const SteadyTime now = x.services.streams().now();
  const StoreTimes times = store_times(x);
  const auto stamp = [&](SteadyTime at) {
    return times.now - std::chrono::duration_cast<Seconds>(now - at).count();
  };
  std::optional<StoreUse> use;
  if (to > hold.used_until) {
    // A message is no use of the time before it; a request is in use all the while.
    use = StoreUse{x.client.tunnel != nullptr ? stamp(to) : stamp(hold.used_until), stamp(to)};
    hold.used_until = to;
  }
  hold.asking = true;
  hold.next = now + between_looks(x);
  start(tell_store(x.client.view, x.hold, use, times, x.services.metrics()));
}

void begin_hold(Exchange& x) {
  x.hold = std::make_shared<SessionHold>();
  x.hold->key = store_key(x.work.session.id);
  x.hold->used_until = x.started;
}

}  // namespace

void hold_session(Exchange& x) {
  if (!x.view->store || x.held_link != nullptr) {
    return;
  }
  Exchange*& first = x.services.held();
  x.next_held = first;
  if (first != nullptr) {
    first->held_link = &x.next_held;
  }
  x.held_link = &first;
  first = &x;
}

void let_go(Exchange& x) {
  *x.held_link = x.next_held;
  if (x.next_held != nullptr) {
    x.next_held->held_link = x.held_link;
  }
  x.held_link = nullptr;
}

void look_after_session(Exchange& x) {
  if (!x.session.opened) {
    return;  // ended by this exchange itself
  }
  const SteadyTime now = x.services.streams().now();
  Tunnel* const tunnel = x.client.tunnel;
  if (!x.hold) {
    if (now - x.started < between_looks(x)) {
      return;
    }
    begin_hold(x);
  }
  if (x.hold->over && tunnel != nullptr) {
    close_tunnel(*tunnel, CloseCode::PolicyViolation);
  }
  if (!x.hold->over && !x.hold->asking && now >= x.hold->next) {
    tell(x, tunnel != nullptr ? last_message(*tunnel) : now);
  }
}

void end_hold(Exchange& x) {
  if (!x.session.opened || x.held_link == nullptr) {
    return;
  }
  const SteadyTime now = x.services.streams().now();
  const Seconds touch_interval{touch_interval_of(x.work.session.lifetime, store_times(x))};
  if (now - x.started < std::max(touch_interval, Seconds{1})) {
    return;
  }
  if (!x.hold) {
    begin_hold(x);
  }
  if (!x.hold->over) {
    tell(x, x.client.tunnel != nullptr ? last_message(*x.client.tunnel) : now);
  }
}

}  // namespace keepsake
