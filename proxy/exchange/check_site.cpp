#include "exchange/check_site.hpp"

#include "exchange/services.hpp"
#include "http/page_load.hpp"
#include "io/log.hpp"

namespace keepsake {

namespace {

// Of a field that came twice no value counts: the empty one is at no site.
std::optional<std::string_view> only_value(const RequestHead& head, FieldId id) {
  std::optional<std::string_view> value;
  if (!head.has(id)) {
    return value;
  }
  for (const Field& field : head.fields) {
    if (field.id == id && field.exact) {
      value = value ? std::string_view{} : field.value;
    }
  }
  return value;
}

}  // namespace

SiteHints site_hints(const Exchange& x) {
  const RequestHead& head = x.work.request;
  SiteHints hints;
  hints.sec_fetch_site = only_value(head, FieldId::SecFetchSite);
  hints.origin = only_value(head, FieldId::Origin);
  hints.referer = only_value(head, FieldId::Referer);
  hints.host = x.site.host;
  hints.port = x.site.port;
  hints.https = x.site.https;
  return hints;
}

namespace {

std::string_view what_was_asked(const Exchange& x) {
  if (x.upgrade) {
    return "a WebSocket";
  }
  switch (x.route->kind) {
    case RouteConfig::Kind::Show:
      return "a look at a session";
    case RouteConfig::Kind::Backend:
      return "a request";
    default:
      return "the change of a session";
  }
}

void report(Exchange& x, const std::string& page, const std::string& site, bool hidden) {
  if (!x.services.shared().seldom.now(Fault::CrossSite, x.services.clock().steady())) {
    return;
  }
  constexpr std::string_view kHidden =
      "Referrer-Policy: no-referrer hides the page's address from its own site too; same-origin "
      "does not";
  constexpr std::string_view kOther =
      "if that page may do this, list its origin in session.trusted_origins; if both are one site, "
      "the proxy before Keepsake must pass Host on, or send X-Forwarded-Host and -Port and be in "
      "trusted_proxies";
  log::warn("{} at {} was refused: it came from {} ({}; request {})", what_was_asked(x), site, page,
            hidden ? kHidden : kOther, request_id(x));
}

}  // namespace

Fault check_site(Exchange& x) {
  const bool shows = x.route->kind == RouteConfig::Kind::Show;
  const SiteHints hints = site_hints(x);
  const std::span<const std::string> trusted = x.view->config().session.trusted_origins;
  if (!cross_site(hints, shows ? std::span<const std::string>{} : trusted)) {
    return Fault::None;
  }
  x.services.metrics().add(Counter::CrossSiteRefused);
  const std::string page = page_of(hints);
  const std::string site = site_of(hints);
  x.reply.detail = "This request came from " + page + " and was refused: this is " + site + ".";
  report(x, page, site, hints.origin == "null");
  return Fault::CrossSite;
}

bool may_lack_cookie(const Exchange& x) {
  const RequestHead& head = x.work.request;
  const SameSite same_site = x.view->config().session.cookie.same_site;
  if (same_site == SameSite::None || only_value(head, FieldId::SecFetchSite) != "cross-site") {
    return false;
  }
  return same_site == SameSite::Strict || !is_top_page(head);
}

}  // namespace keepsake
