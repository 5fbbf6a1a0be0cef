#include "exchange/fail_exchange.hpp"

#include <algorithm>
#include <vector>

#include "exchange/client_address.hpp"
#include "exchange/report_limit.hpp"
#include "exchange/services.hpp"
#include "http/error_page.hpp"
#include "http/grpc.hpp"
#include "io/log.hpp"

namespace keepsake {

std::string_view side_text(Side side) {
  switch (side) {
    case Side::Client:
      return "client";
    case Side::Backend:
      return "backend";
    case Side::Proxy:
      break;
  }
  return "proxy";
}

namespace {

// The first that matches; single statuses stand before classes.
const ErrorPage* own_page(const Exchange& x, unsigned status) {
  for (const ErrorPage& page : x.view->config().error_pages) {
    if (page.first <= status && status <= page.last) {
      return &page;
    }
  }
  return nullptr;
}

// Whether the client expects a refusal in gRPC's form. A status of HTTP is what a proxy in front
// waits for at a route with `verify`: the 200 of that form would admit every request. A request
// that is refused before its route is known might have been for one.
bool wants_grpc_status(const Exchange& x) {
  if (x.client.http2 == nullptr || !x.head_read || x.work.request.method != Method::Post) {
    return false;
  }
  const Field* type = x.work.request.find(FieldId::ContentType);
  if (type == nullptr || !is_grpc_type(type->value)) {
    return false;
  }
  if (x.route != nullptr) {
    return x.route->kind == RouteConfig::Kind::Backend;
  }
  const std::vector<RouteConfig>& routes = x.view->config().routes;
  return std::none_of(routes.begin(), routes.end(), [](const RouteConfig& route) {
    return route.kind == RouteConfig::Kind::Verify;
  });
}

// The whole response is one head (gRPC's Trailers-Only), whose status write_response makes of the
// fault.
void reply_in_grpc(Exchange& x, const FaultInfo& info) {
  x.reply.status = 200;
  x.reply.reason = reason_phrase(200);
  x.reply.location = {};
  x.reply.content_type = kGrpcType;
  if (x.reply.detail.empty()) {
    x.reply.detail = info.detail;
  }
  x.reply.detail.append(" (request ").append(request_id(x)).append(")");
  x.work.body.clear();
}

}  // namespace

void log_fault(Exchange& x, Fault fault) {
  const FaultInfo& info = describe(fault);
  if (info.status == 0 && !x.head_read) {
    return;  // they went before they had asked for anything
  }
  // A client's fault stands in its line of the access log; without one what was no HTTP is told
  // here.
  const bool told = x.view->config().log.access || !info.close || info.status == 0;
  const auto level = info.side != Side::Client ? spdlog::level::warn
                     : told                    ? spdlog::level::debug
                                               : spdlog::level::info;
  if (!spdlog::should_log(level)) {
    return;
  }
  log_within(x.services.shared().lines.fault[static_cast<std::size_t>(fault)],
             x.services.streams().now(), level, "{} fault {} from {}{}{}{}{} (request {})",
             side_text(info.side), info.word, client_text(x), x.note.empty() ? "" : ": ", x.note,
             x.balancer != nullptr ? ", backend " : "",
             x.balancer != nullptr ? x.balancer->config().name : "", request_id(x));
}

void fail_exchange(Exchange& x, Fault fault) {
  const FaultInfo& info = describe(fault);
  x.fault = fault;
  x.lease.close();
  x.client.on_cut = nullptr;
  log_fault(x, fault);
  report_limit(x, fault);
  x.keep_alive_allowed = !info.close;
  if (info.status == 0) {
    x.keep_alive = false;
    return;
  }
  if (wants_grpc_status(x)) {
    reply_in_grpc(x, info);
    return;
  }
  // The fault leads elsewhere: require_session. nginx makes 500 of a redirect of its auth_request.
  if (!x.reply.location.empty() && !x.route->verify_status) {
    x.reply.status = 303;
    x.reply.reason = reason_phrase(303);
    x.work.body.clear();
    return;
  }
  const Field* accept = x.head_read ? x.work.request.find(FieldId::Accept) : nullptr;
  const bool html = accept != nullptr && prefers_html(accept->value);
  x.reply.status = info.status;
  x.reply.reason = reason_phrase(info.status);
  x.reply.content_type = html ? "text/html; charset=utf-8" : "application/problem+json";
  if (info.status == 503 && x.reply.retry_after == 0) {
    x.reply.retry_after = 1;
  }
  x.work.body.clear();
  if (const ErrorPage* page = html ? own_page(x, info.status) : nullptr) {
    append_own_page(page->text, info.status, info.title, request_id(x), x.work.body);
    return;
  }
  const std::string_view detail = x.reply.detail.empty() ? info.detail : x.reply.detail;
  append_error_body(info.status, info.title, detail, request_id(x), html, x.work.body);
}

}  // namespace keepsake
