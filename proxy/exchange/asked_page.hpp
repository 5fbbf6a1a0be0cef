#pragma once
// Which page the visitor asked for, and how: of a request that a proxy in front makes for one of
// its own (verify), what the proxy says of that one.

#include <string_view>

#include "exchange/exchange.hpp"

namespace keepsake {

// Path and query; empty where it is not known.
std::string_view asked_page(const Exchange& x);

Method asked_method(const Exchange& x);

}  // namespace keepsake
