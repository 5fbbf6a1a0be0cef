#include "exchange/judge_destination.hpp"

#include "exchange/services.hpp"
#include "http/path_prefix.hpp"

namespace keepsake {

namespace {

// Where the destination gives no scheme and host they are the request's.
bool is_here(const Exchange& x, const Target& target) {
  if (target.form == TargetForm::Origin) {
    // "//b.example/x" is another host to a reader who resolves it as a reference.
    return !target.path.starts_with("//") && !target.path.starts_with("/\\");
  }
  const std::optional<HostPort> theirs = parse_host(target.authority);
  return theirs && !x.site.name.empty() && hosts_match(theirs->host, x.site.name) &&
         port_or(theirs->port, scheme_port(target.https)) ==
             port_or(x.site.port, scheme_port(x.site.https));
}

// By the path as written, as folded, and as it is without the route's prefix.
bool takes_same_route(Exchange& x, std::string_view raw_path) {
  std::string normal;
  std::string scratch;
  const std::optional<std::string_view> path = normalise_path(raw_path, normal);
  if (!path) {
    return false;
  }
  const RouteTable& routes = x.view->snapshot->routes;
  const std::string_view method = x.work.request.method_text;
  const RouteTable::Match match = routes.find(x.work.host, *path, method);
  if (match.outcome != RouteTable::Outcome::Found || match.route != x.route ||
      routes.guarded_twin(x.route, x.work.host, *path, method, scratch) != nullptr) {
    return false;
  }
  const RewriteConfig& rewrite = x.route->rewrite;
  return !x.rules->rewrites_target ||
         stays_below(strip_prefix(raw_path, *path, rewrite.strip_prefix, scratch));
}

}  // namespace

Fault judge_destination(Exchange& x, const Field& destination) {
  for (const Field& field : x.work.request.fields) {
    if (field.id == FieldId::Destination && &field != &destination) {
      x.note = "several Destination lines";
      return Fault::ForeignDestination;
    }
  }
  const std::optional<Target> target = parse_target({}, destination.value);
  if (!target || !is_here(x, *target) || !takes_same_route(x, target->path)) {
    return Fault::ForeignDestination;
  }
  return Fault::None;
}

}  // namespace keepsake
