#include "server/match_route.hpp"

#include "server/worker.hpp"

namespace keepsake {

namespace {

// Before anything is done for the body: no 100 Continue, no backend hears of the request.
Fault judge_length(const Exchange& x) {
  return x.body.kind == BodyKind::Length && x.body.length > x.rules->limits.body
             ? Fault::BodyTooLarge
             : Fault::None;
}

}  // namespace

Fault match_route(Exchange& x) {
  const Snapshot& snapshot = *x.view->snapshot;
  if (x.target.form == TargetForm::Asterisk) {
    x.route = &snapshot.asterisk_route;
    return judge_length(x);
  }
  // From here on the limits and timeouts of the route hold, its own body limit first.
  const auto take = [&](const RouteConfig* route) {
    x.route = route;
    x.rules = &snapshot.rules_of(*route);
  };
  RouteTable::Match match = snapshot.routes.find(x.work.host, x.path, x.work.request.method_text);
  switch (match.outcome) {
    case RouteTable::Outcome::Found:
      take(match.route);
      return judge_length(x);
    case RouteTable::Outcome::NotFound:
      return Fault::NotFound;
    case RouteTable::Outcome::MethodNotAllowed:
      x.reply.allow = std::move(match.allow);
      if (match.route != nullptr) {
        take(match.route);
      }
      return Fault::MethodNotAllowed;
  }
  return Fault::Internal;
}

}  // namespace keepsake
