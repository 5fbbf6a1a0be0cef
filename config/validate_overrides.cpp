// The rules for what a route changes of the limits and timeouts, and for whom it lets in.

#include <algorithm>

#include "config/validate.hpp"

namespace keepsake {
namespace {

void validate_kind(const RouteConfig& route, const std::string& place, Report& report) {
  using Kind = RouteConfig::Kind;
  if (route.limits.form && route.kind != Kind::Set && route.kind != Kind::Clear &&
      route.kind != Kind::Redirect) {
    report.problem(place + ".limits.form", "only a set or clear route reads a form");
  }
  if (route.kind == Kind::Backend) {
    return;
  }
  if (report.has(place + ".abandon")) {
    report.problem(place + ".abandon", "only a backend route has a backend that works");
  }
  const RouteTimeouts& timeouts = route.timeouts;
  const auto needs_backend = [&](bool set, std::string_view key) {
    if (set) {
      report.problem(join_path(place + ".timeouts", key), "only a backend route waits for this");
    }
  };
  needs_backend(timeouts.idle.has_value(), "idle");
  needs_backend(timeouts.connect.has_value(), "connect");
  needs_backend(timeouts.response.has_value(), "response");
}

void validate_rate_limits(const Config& config, const RouteConfig& route, const std::string& place,
                          Report& report) {
  constexpr std::size_t most = 8;
  const bool one = report.has(place + ".rate_limit");
  if (route.rate_limits.size() > most) {
    report.problem(place + ".rate_limits", "are more than 8");
  }
  for (std::size_t i = 0; i < route.rate_limits.size(); ++i) {
    const RateLimit& limit = route.rate_limits[i];
    const std::string where = one ? place + ".rate_limit" : join_path(place + ".rate_limits", i);
    if (limit.per == RateLimit::Per::Session && !route.session) {
      report.problem(where + ".per", "this route has session: false, so nobody has a session here");
    } else if (limit.per == RateLimit::Per::Session &&
               config.session.format == SessionFormat::Flask) {
      report.problem(where + ".per", "session needs a session id, which format: flask has not");
    }
  }
}

void validate_networks(const RouteConfig& route, const std::string& place, Report& report) {
  for (std::size_t i = 0; i < route.allow.size(); ++i) {
    if (std::find(route.deny.begin(), route.deny.end(), route.allow[i]) != route.deny.end()) {
      report.problem(join_path(place + ".allow", i),
                     "is in deny too, which is asked first: nobody gets in by it");
    }
  }
}

}  // namespace

void validate_overrides(const Config& config, const RouteConfig& route, const std::string& place,
                        Report& report) {
  validate_kind(route, place, report);
  validate_rate_limits(config, route, place, report);
  validate_networks(route, place, report);
}

}  // namespace keepsake
