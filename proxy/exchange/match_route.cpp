#include "exchange/match_route.hpp"

#include "base/seldom.hpp"
#include "exchange/client_address.hpp"
#include "exchange/judge_destination.hpp"
#include "exchange/services.hpp"
#include "io/log.hpp"

namespace keepsake {

namespace {

// Before anything is done for the body: no 100 Continue, no backend hears of the request.
Fault judge_length(const Exchange& x) {
  return x.body.kind == BodyKind::Length && x.body.length > x.rules->limits.body
             ? Fault::BodyTooLarge
             : Fault::None;
}

// From here on the limits and timeouts of the route hold, its own body limit first.
void take(Exchange& x, const RouteConfig& route) {
  x.route = &route;
  x.rules = &x.view->snapshot->rules_of(route);
}

// The log names what the operator can change: the route, never the client's path.
void report_ambiguous(Exchange& x, const RouteConfig& twin) {
  if (x.services.shared().seldom.now(SeldomLine::AmbiguousPath, x.services.streams().now())) {
    log::warn(
        "{} asked for a path that is not the guarded route {} as written, but is when letter case, "
        "repeated slashes, %2f, backslashes and ;parameters are ignored: 400 (request {})",
        client_text(x), twin.path, request_id(x));
  }
}

// A backend may be more tolerant of spellings than routes are. A path that it could take for one
// behind a guard does not get there by another route.
Fault judge_spelling(Exchange& x) {
  const RouteConfig* twin = x.view->snapshot->routes.guarded_twin(
      x.route, x.work.host, x.path, x.work.request.method_text, x.work.scratch);
  if (twin == nullptr) {
    return Fault::None;
  }
  if (guard_of(*twin) == Guard::Refusing) {
    report_ambiguous(x, *twin);
    return Fault::AmbiguousPath;
  }
  x.folded = &x.view->snapshot->rules_of(*twin);
  return Fault::None;
}

Fault find_route(Exchange& x) {
  RouteTable::Match match =
      x.view->snapshot->routes.find(x.work.host, x.path, x.work.request.method_text);
  if (match.route != nullptr) {
    take(x, *match.route);
  }
  switch (match.outcome) {
    case RouteTable::Outcome::Found:
      return judge_length(x);
    case RouteTable::Outcome::NotFound:
      return Fault::NotFound;
    case RouteTable::Outcome::MethodNotAllowed:
      x.reply.allow = std::move(match.allow);
      return Fault::MethodNotAllowed;
  }
  return Fault::Internal;
}

}  // namespace

Fault match_route(Exchange& x) {
  const Snapshot& snapshot = *x.view->snapshot;
  if (x.target.form == TargetForm::Asterisk) {
    x.route = &snapshot.asterisk_route;
    return judge_length(x);
  }
  const Fault fault = find_route(x);
  if (snapshot.routes.has_guards()) {
    if (const Fault spelling = judge_spelling(x); spelling != Fault::None) {
      x.reply.allow.clear();
      return spelling;
    }
  }
  const Field* destination = x.work.request.find(FieldId::Destination);
  if (destination != nullptr && fault == Fault::None) {
    return judge_destination(x, *destination);
  }
  return fault;
}

}  // namespace keepsake
