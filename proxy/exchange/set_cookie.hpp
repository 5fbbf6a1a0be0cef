#pragma once
// The Set-Cookie lines of the session, for commit_session: the cookie itself, its end, and the end
// of its former scopes. What a browser will not keep is said in the log.

#include "exchange/exchange.hpp"

namespace keepsake {

// Both append to the workspace's session_lines and forbid caches to keep the response.
void set_cookie(Exchange& x);
void clear_cookie(Exchange& x);

// The same for the return cookie. Setting it is false, and nothing is appended, for a page that it
// does not keep.
bool set_return_cookie(Exchange& x, std::string_view page);
void clear_return_cookie(Exchange& x);

// A response that sets or ends a cookie, or was made without knowing the visitor, is for one
// visitor alone: its own fields about caching go.
void forbid_caching(Exchange& x);

}  // namespace keepsake
