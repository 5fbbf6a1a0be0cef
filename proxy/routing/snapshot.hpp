#pragma once
// One loaded configuration and everything that is derived from it once: the names that matter, the
// route index, the keys. Immutable and shared by all workers; a reload makes a new one, and
// exchanges that began under the old one finish under it.

#include <memory>
#include <string>
#include <vector>

#include "backend/hash_ring.hpp"
#include "config/config.hpp"
#include "http/field_names.hpp"
#include "http/head.hpp"
#include "routing/front.hpp"
#include "routing/route_rules.hpp"
#include "routing/route_table.hpp"
#include "session/key_ring.hpp"
#include "session/lifetime.hpp"

namespace keepsake {

// See inject_assertion.
inline constexpr std::string_view kAssertionHeader = "X-Keepsake-Assertion";

struct Snapshot {
  // `before`: the one that this replaces. Buckets of rate_limits go on from there.
  explicit Snapshot(Config loaded, const Snapshot* before = nullptr);

  const RouteRules& rules_of(const RouteConfig& route) const {
    return route_rules[static_cast<std::size_t>(&route - config.routes.data())];
  }
  ~Snapshot();  // what it knew of secrets goes with it
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  Config config;
  Certificates certificates;  // filled by Server
  FieldTable names;
  RouteTable routes;
  RouteRules rules;                                    // where there is no route, and of OPTIONS *
  std::vector<RouteRules> route_rules;                 // by index of Config::routes
  std::vector<std::shared_ptr<const HashRing>> rings;  // by backend; null but for session_hash
  std::shared_ptr<const KeyRing> keys;
  std::vector<std::string> cookie_names;  // the session cookie's, then its former ones
  std::string return_name;                // the return cookie's; empty where no route has `else`
  std::vector<std::string> privileged;    // session keys that mean "signed in"
  Lifetime lifetime;
  Lifetime cookie_lifetime;  // of the cookie alone: with a store, which judges idleness, only what
                             // is absolute
  HeadLimits request_limits;
  // A backend's head may be larger than a client's: it is trusted more and its buffer is there
  // anyway.
  HeadLimits response_limits;
  std::shared_ptr<RateBuckets> rate_buckets;  // null where no route has rate_limits
  RouteConfig asterisk_route;  // OPTIONS *: answered without a backend and without session work
};

}  // namespace keepsake
