#pragma once
// The page that `require` kept in the return cookie: found in the request, told in the response.

#include "exchange/exchange.hpp"

namespace keepsake {

// Part of attach_session, where a route has `else`: fills x.work.return_page.
void find_return_page(Exchange& x);

// Part of commit_session: at most one Set-Cookie line.
void append_return_cookie(Exchange& x);

}  // namespace keepsake
