#pragma once
// What is said of cookies that do not lead to a session: each is counted, and each kind is logged
// once a minute with its remedy, because anybody can send such a cookie. Never the cookie itself.

#include <string_view>

#include "exchange/exchange.hpp"
#include "exchange/seldom_lines.hpp"
#include "session/codec.hpp"

namespace keepsake {

// Whether a line of this kind may be logged now.
bool may_say(Exchange& x, SeldomLine line);

// A cookie with the session cookie's name that is none of ours, or of ours and over.
void report_cookie(Exchange& x, std::string_view cookie, OpenStatus status);

// A backend refused a head with the visitor's session headers in it as too large (RFC 6585 5).
void report_large_session(Exchange& x);

// The cookies of several live sessions in one request.
void report_rivals(Exchange& x);

}  // namespace keepsake
