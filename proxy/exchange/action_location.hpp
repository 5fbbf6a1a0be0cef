#pragma once
// Where a `set` or `clear` action leads. Called by run_action.

#include <string_view>

#include "exchange/exchange.hpp"

namespace keepsake {

// The configured redirect, the page of the return cookie, which is used up by that, or the page
// that the form was on. Lives as long as the exchange.
std::string_view action_location(Exchange& x);

}  // namespace keepsake
