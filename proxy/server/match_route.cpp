#include "server/match_route.hpp"

#include "server/worker.hpp"

namespace keepsake {

Fault match_route(Exchange& x) {
  const Snapshot& snapshot = *x.view->snapshot;
  if (x.target.form == TargetForm::Asterisk) {
    x.route = &snapshot.asterisk_route;
    return Fault::None;
  }
  RouteTable::Match match = snapshot.routes.find(x.work.host, x.path, x.work.request.method_text);
  switch (match.outcome) {
    case RouteTable::Outcome::Found:
      x.route = match.route;
      return Fault::None;
    case RouteTable::Outcome::NotFound:
      return Fault::NotFound;
    case RouteTable::Outcome::MethodNotAllowed:
      x.reply.allow = std::move(match.allow);
      x.route = match.route;
      return Fault::MethodNotAllowed;
  }
  return Fault::Internal;
}

}  // namespace keepsake
