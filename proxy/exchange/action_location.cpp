#include "exchange/action_location.hpp"

#include "exchange/check_site.hpp"
#include "http/safe_location.hpp"

namespace keepsake {

namespace {

std::string_view kept_page(Exchange& x) {
  if (!x.work.return_page.empty()) {
    x.return_news = ReturnCookieNews::Clear;
  }
  return x.work.return_page;
}

}  // namespace

std::string_view action_location(Exchange& x) {
  if (x.route->leads == RouteConfig::Leads::There) {
    return x.route->redirect;
  }
  const std::string_view page =
      x.route->leads == RouteConfig::Leads::Return ? kept_page(x) : own_page(site_hints(x));
  return is_safe_location(page) ? page : "/";
}

}  // namespace keepsake
