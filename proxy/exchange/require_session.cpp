#include "exchange/require_session.hpp"

#include "exchange/asked_page.hpp"
#include "exchange/services.hpp"
#include "http/page_load.hpp"
#include "http/prefetch.hpp"
#include "session/requirement.hpp"

namespace keepsake {

namespace {

Fault fault_of(Admission admission) {
  switch (admission) {
    case Admission::Admitted:
      return Fault::None;
    case Admission::Anonymous:
      return Fault::SessionRequired;
    case Admission::WrongValue:
      return Fault::SessionRefused;
    case Admission::StoreSilent:
      break;
  }
  return Fault::StoreDown;
}

void count(Exchange& x, Admission admission) {
  const auto route = static_cast<std::size_t>(x.route - x.view->config().routes.data());
  (*x.view->cells.denials[route])[static_cast<std::size_t>(admission) - 1].add();
}

// Prefetches and parts of pages need no way back.
bool is_visited(const Exchange& x) {
  return is_top_page(x.work.request, asked_method(x)) && !is_prefetch(x.work.request) &&
         !asked_page(x).empty();
}

}  // namespace

Fault require_session(Exchange& x) {
  const Admission admission =
      judge_requirements(x.route->require, x.work.session, x.session.store_failed);
  if (admission == Admission::Admitted) {
    // The kept page is reached.
    if (!x.work.return_page.empty() && x.work.return_page == asked_page(x)) {
      x.return_news = ReturnCookieNews::Clear;
    }
    return Fault::None;
  }
  count(x, admission);
  if (admission == Admission::Anonymous && !x.route->otherwise.empty() && !x.upgrade &&
      is_page_load(x.work.request, asked_method(x))) {
    x.reply.location = x.route->otherwise;
    if (is_visited(x)) {
      x.return_news = ReturnCookieNews::Keep;
    }
  }
  return fault_of(admission);
}

}  // namespace keepsake
