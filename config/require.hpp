#pragma once
// The `else` of routes, and the return cookie that goes with it. Pure functions of a configuration.

#include <string>

#include "config/config.hpp"

namespace keepsake {

// Whether a route has `else`, so that the page that was asked for is kept in the return cookie.
bool has_else(const Config& config);

// The name of the return cookie, beside that of the session cookie.
std::string return_cookie_name(const CookieConfig& cookie);

}  // namespace keepsake
