#pragma once
// A route that tells the scripts of its own pages some values of the session. Called by run_action.

#include "exchange/exchange.hpp"

namespace keepsake {

// x.reply is a JSON object of the route's `show` keys that have a value. CrossSite for the page of
// any other origin.
Fault run_show(Exchange& x);

}  // namespace keepsake
