#include "exchange/report_limit.hpp"

#include <fmt/format.h>

#include "config/units.hpp"
#include "exchange/services.hpp"
#include "http2/request_text.hpp"
#include "io/log.hpp"

namespace keepsake {

namespace {

// A setting, as `keepsake check` names it, its value, and what it means for this client.
struct Limit {
  std::string key;
  std::string value;
  std::string detail;
};

std::string route_path(const Exchange& x) {
  const std::vector<RouteConfig>& routes = x.view->config().routes;
  return fmt::format("routes[{}]", x.route - routes.data());
}

bool has_route(const Exchange& x) {
  return x.route != nullptr && x.route != &x.view->snapshot->asterisk_route;
}

// A route's own setting, or the one for all.
std::string key_of(const Exchange& x, std::string_view name, bool own) {
  return own ? fmt::format("{}.limits.{}", route_path(x), name) : fmt::format("limits.{}", name);
}

Limit body_limit(const Exchange& x) {
  const bool form = has_route(x) && x.route->kind != RouteConfig::Kind::Backend &&
                    x.rules->limits.form < x.rules->limits.body;
  const ByteCount bytes = form ? x.rules->limits.form : x.rules->limits.body;
  const bool own =
      has_route(x) && (form ? x.route->limits.form.has_value() : x.route->limits.body.has_value());
  return {key_of(x, form ? "form" : "body", own), format_size(bytes),
          fmt::format("A {} may have at most {} bytes here.", form ? "form" : "body", bytes)};
}

Limit head_limit(const Exchange& x) {
  const LimitsConfig& limits = x.view->config().limits;
  // A head of HTTP/2 that is refused has no fields; its note says why.
  if (x.work.request.fields.size() >= limits.headers || x.note == "too many header lines") {
    return {"limits.headers", std::to_string(limits.headers),
            fmt::format("A request may have at most {} header lines here.", limits.headers)};
  }
  if (x.note == "too many cookie fields") {
    return {"the limit of cookie fields", std::to_string(RequestText::kMostCrumbs),
            fmt::format("A request may have at most {} cookie fields here. Deleting this site's "
                        "cookies may help.",
                        RequestText::kMostCrumbs)};
  }
  return {"limits.header", format_size(limits.header),
          fmt::format("The headers of a request may have at most {} bytes here. Deleting this "
                      "site's cookies may help.",
                      limits.header)};
}

Limit server_limit(const Exchange& x) {
  const BackendConfig& backend = x.balancer->config();
  return {fmt::format("backends.{}.max_requests", backend.name),
          fmt::format("{}, with queue: {{size: {}, timeout: {}}}", backend.max_requests,
                      backend.queue, format_duration(backend.queue_timeout)),
          {}};
}

Limit limit_of(const Exchange& x, Fault fault) {
  const SessionConfig& session = x.view->config().session;
  const LimitsConfig& limits = x.view->config().limits;
  switch (fault) {
    case Fault::TargetTooLong:
      return {"limits.target", format_size(limits.target),
              fmt::format("An address may have at most {} bytes here.", limits.target)};
    case Fault::HeadTooLarge:
      return head_limit(x);
    case Fault::BodyTooLarge:
      return body_limit(x);
    case Fault::ValueTooLarge:
      return {"session.max_value", format_size(session.max_value), {}};
    case Fault::TooManyValues:
      return {"session.max_values", std::to_string(session.max_values), {}};
    case Fault::SessionTooLarge:
      return {"session.store", "cookie, which has room for 4096 bytes; another store has more", {}};
    case Fault::RateLimited:
      return {fmt::format("{}.{}", route_path(x), x.note), "", {}};
    case Fault::Overloaded:
      return x.balancer != nullptr && x.balancer->config().max_requests != 0 ? server_limit(x)
                                                                             : Limit{};
    default:
      return {};
  }
}

}  // namespace

void report_limit(Exchange& x, Fault fault) {
  const Limit limit = limit_of(x, fault);
  if (fault == Fault::RateLimited) {
    x.note = {};  // it stood in the scratch, which others write to from here on
  }
  if (limit.key.empty()) {
    return;
  }
  if (x.reply.detail.empty()) {
    x.reply.detail = limit.detail;
  }
  if (!x.services.shared().seldom.now(fault, x.services.clock().steady())) {
    return;
  }
  log::warn("a request{}{}{} was refused with {} by {}{}{} (request {})",
            has_route(x) ? " of " + route_path(x) + ", path: " : std::string{},
            has_route(x) ? std::string_view{x.route->path} : std::string_view{},
            has_route(x) ? "," : "", describe(fault).status, limit.key,
            limit.value.empty() ? "" : ": ", limit.value, request_id(x));
}

}  // namespace keepsake
