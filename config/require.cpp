#include "config/require.hpp"

#include <algorithm>

namespace keepsake {

bool has_else(const Config& config) {
  return std::any_of(config.routes.begin(), config.routes.end(),
                     [](const RouteConfig& route) { return !route.otherwise.empty(); });
}

std::string return_cookie_name(const CookieConfig& cookie) {
  return cookie.name + "-return";
}

}  // namespace keepsake
