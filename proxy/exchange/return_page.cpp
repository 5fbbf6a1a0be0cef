#include "exchange/return_page.hpp"

#include "exchange/asked_page.hpp"
#include "exchange/attach_session.hpp"
#include "exchange/services.hpp"
#include "exchange/set_cookie.hpp"
#include "http/cookie.hpp"
#include "http/cookie_line.hpp"

namespace keepsake {

namespace {

// More are not tried: each costs a decryption.
constexpr std::size_t kMostCandidates = 4;

}  // namespace

void find_return_page(Exchange& x) {
  const std::string& name = x.view->snapshot->return_name;
  const std::int64_t now = unix_seconds(x.services.clock().wall());
  std::size_t tried = 0;
  for (const Field& field : x.work.request.fields) {
    if (field.id != FieldId::Cookie || !field.exact) {
      continue;
    }
    CookieLine line{field.value};
    for (std::string_view part; line.next(part);) {
      if (!is_cookie_of(part, name) || cookie_name(part) != name) {
        continue;
      }
      if (tried++ == kMostCandidates ||
          x.view->return_cookie->open(cookie_value(part, name), now, seal_host(x),
                                      x.work.return_page)) {
        return;
      }
    }
  }
}

void append_return_cookie(Exchange& x) {
  switch (x.return_news) {
    case ReturnCookieNews::None:
      return;
    case ReturnCookieNews::Keep:
      set_return_cookie(x, asked_page(x));
      return;
    case ReturnCookieNews::Clear:
      clear_return_cookie(x);
      return;
  }
}

}  // namespace keepsake
