#include "server/fail_exchange.hpp"

#include "base/log.hpp"
#include "http/error_page.hpp"
#include "server/client_address.hpp"
#include "server/worker.hpp"

namespace keepsake {

namespace {

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

// The first that matches; single statuses stand before classes.
const ErrorPage* own_page(const Exchange& x, unsigned status) {
  for (const ErrorPage& page : x.view->config().error_pages) {
    if (page.first <= status && status <= page.last) {
      return &page;
    }
  }
  return nullptr;
}

// One line that says who was at fault; no header values, no body, no cookie.
void log_fault(Exchange& x, const FaultInfo& info) {
  if (info.status == 0 && !x.head_read) {
    return;  // they went before they had asked for anything
  }
  const bool theirs = info.side == Side::Client;
  const auto level = theirs ? spdlog::level::debug : spdlog::level::warn;
  if (!spdlog::should_log(level)) {
    return;
  }
  log::log(level, "{} fault {} from {}{}{}{}{} (request {})", side_text(info.side), info.word,
           client_text(x), x.note.empty() ? "" : ": ", x.note,
           x.balancer != nullptr ? ", backend " : "",
           x.balancer != nullptr ? x.balancer->config().name : "", request_id(x));
}

}  // namespace

void fail_exchange(Exchange& x, Fault fault) {
  const FaultInfo& info = describe(fault);
  x.fault = fault;
  x.lease.close();
  x.connection.on_cut = nullptr;
  log_fault(x, info);
  x.keep_alive_allowed = !info.close;
  if (info.status == 0) {
    x.keep_alive = false;
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
