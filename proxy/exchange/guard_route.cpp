#include "exchange/guard_route.hpp"

#include <string>

#include "exchange/client_address.hpp"
#include "exchange/require_session.hpp"
#include "exchange/services.hpp"
#include "http/forwarded.hpp"

namespace keepsake {

namespace {

// `deny` before `allow`. A client on a unix socket has no address: no block contains it.
bool may_come(Exchange& x) {
  const RouteConfig& route = *x.route;
  if (!has_client_address(x)) {
    return route.allow.empty();
  }
  const IpAddress& client = client_address(x);
  return !is_trusted(client, route.deny) &&
         (route.allow.empty() || is_trusted(client, route.allow));
}

RateBuckets::Key key_of(Exchange& x, const RateRule& rule) {
  RateBuckets::Key key;
  key.rule = rule.id;
  key.is_session = rule.per == RateLimit::Per::Session && x.session.opened && x.work.session.has_id;
  key.who = key.is_session ? x.work.session.id : rate_key(client_address(x));
  return key;
}

// The rules that a request counts against, one after the other.
class Rates {
 public:
  explicit Rates(const Exchange& x)
      : own_(x.rules->rates), folded_(x.folded != nullptr ? &x.folded->rates : nullptr) {}
  std::size_t size() const { return own_.size() + (folded_ != nullptr ? folded_->size() : 0); }
  const RateRule& operator[](std::size_t i) const {
    return i < own_.size() ? own_[i] : (*folded_)[i - own_.size()];
  }

 private:
  const std::vector<RateRule>& own_;
  const std::vector<RateRule>* folded_;
};

// A token of each rule of that kind, or none at all.
Fault take_tokens(Exchange& x, RateLimit::Per per) {
  const Rates rules{x};
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (rules[i].per != per) {
      continue;
    }
    RateBuckets& buckets = *x.view->snapshot->rate_buckets;
    const Nanos wait = buckets.take(key_of(x, rules[i]), rules[i], x.started);
    if (wait == Nanos::zero()) {
      continue;
    }
    for (std::size_t taken = 0; taken < rules.size(); ++taken) {
      // Those by address came first.
      if (rules[taken].per == per ? taken < i : per == RateLimit::Per::Session) {
        buckets.give_back(key_of(x, rules[taken]), rules[taken]);
      }
    }
    x.reply.retry_after = static_cast<unsigned>(std::chrono::ceil<Seconds>(wait).count());
    x.services.metrics().add(Counter::RateLimited);
    x.work.scratch.assign("rate_limits[").append(std::to_string(i)).append("]");
    x.note = x.work.scratch;
    return Fault::RateLimited;
  }
  return Fault::None;
}

}  // namespace

Fault guard_route(Exchange& x) {
  if (!may_come(x)) {
    x.services.metrics().add(Counter::AddressDenied);
    return Fault::AddressDenied;
  }
  return take_tokens(x, RateLimit::Per::Client);
}

Fault guard_session(Exchange& x) {
  const Fault fault = take_tokens(x, RateLimit::Per::Session);
  if (fault != Fault::None) {
    x.session.keep_cookie = true;
    return fault;
  }
  return x.route->require.empty() ? Fault::None : require_session(x);
}

}  // namespace keepsake
