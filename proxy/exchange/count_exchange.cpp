#include "exchange/count_exchange.hpp"

#include "exchange/services.hpp"

namespace keepsake {

namespace {

Traffic::Route& route_cells(const Exchange& x) {
  const Traffic::Cells& cells = x.view->cells;
  if (x.route == nullptr) {
    return *cells.none;
  }
  if (x.route == &x.view->snapshot->asterisk_route) {
    return *cells.asterisk;
  }
  return *cells.routes[static_cast<std::size_t>(x.route - x.view->config().routes.data())];
}

Answerer answerer_of(const Exchange& x) {
  if (x.route == nullptr || x.route == &x.view->snapshot->asterisk_route) {
    return Answerer::Proxy;
  }
  switch (x.route->kind) {
    case RouteConfig::Kind::Set:
      return Answerer::Set;
    case RouteConfig::Kind::Clear:
      return Answerer::Clear;
    case RouteConfig::Kind::Redirect:
    case RouteConfig::Kind::Show:
    case RouteConfig::Kind::Health:
    case RouteConfig::Kind::Verify:
      return Answerer::Proxy;
    case RouteConfig::Kind::Backend:
      break;
  }
  return Answerer::Backend;
}

}  // namespace

std::uint64_t body_received(const Exchange& x) {
  if (!x.head_read) {
    return 0;
  }
  switch (x.body.kind) {
    case BodyKind::Length:
      return x.body.length - x.body_left;
    case BodyKind::None:
      return 0;
    default:
      return x.body_bytes;
  }
}

void count_exchange(Exchange& x, SteadyTime ended) {
  const std::size_t status = x.status / 100 < kStatusClasses ? x.status / 100 : 0;
  const auto method = static_cast<std::size_t>(x.head_read ? x.work.request.method : Method::Other);
  route_cells(x)[method][status].add();
  Services& services = x.services;
  if (const std::uint64_t received = body_received(x); received != 0) {
    services.metrics().add(Counter::RequestBodyBytes, received);
  }
  services.metrics().add(Counter::ResponseBodyBytes, x.sent);
  if (!x.tunnel) {  // which lasts as long as somebody looks at a page
    services.traffic().duration(answerer_of(x)).add(ended - x.started);
  }
}

void count_backend_head(Exchange& x, SteadyTime sent) {
  x.view->cells.backends[x.route->backend]->add(x.services.clock().steady() - sent);
}

}  // namespace keepsake
