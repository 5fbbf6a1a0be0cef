#pragma once
// What holds on one route, worked out once per configuration so that an exchange only follows a
// pointer: the global limits and timeouts with what the route changes of them, its rate limits, and
// the header lines that it adds. Immutable; part of the Snapshot.

#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "routing/rate_buckets.hpp"

namespace keepsake {

// Names of headers that give way to a route's own, compared after folding: X_Powered.By is
// X-Powered-By to some receivers.
class HeaderNames {
 public:
  void add(std::string_view name);
  bool empty() const { return folded_.empty(); }
  bool has(std::string_view name) const;

 private:
  std::vector<std::string> folded_;
};

struct RouteRules {
  // Without a route: what the configuration says for all.
  explicit RouteRules(const Config& config);
  RouteRules(const Config& config, const RouteConfig& route);

  LimitsConfig limits;
  TimeoutsConfig timeouts;

  bool guarded = false;          // by allow, deny or a rate limit per client
  bool session_guarded = false;  // by `require` or a rate limit per session
  bool is_private = false;       // caches keep no response: `require`, and no Cache-Control here
  std::vector<RateRule> rates;

  bool rewrites_target = false;
  HeaderNames request_names;   // the client's lines with these names go
  std::string request_lines;   // and these come
  HeaderNames response_names;  // the same for the backend's
  bool moves_locations = false;
  bool adds_lines = false;    // any of these, or lines that moves_locations makes:
  std::string backend_lines;  // on responses of the backend
  std::string lines;          // on every response
  // On responses of the backend, where Keepsake does not forbid caching itself.
  std::string caching_lines;
};

}  // namespace keepsake
