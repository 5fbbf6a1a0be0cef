#include "routing/snapshot.hpp"

#include <algorithm>

#include "base/random.hpp"
#include "config/privileged_keys.hpp"
#include "config/require.hpp"
#include "config/wipe.hpp"
#include "session/codec_factory.hpp"

namespace keepsake {

namespace {

std::vector<std::string> injected_names(const Config& config) {
  std::vector<std::string> names;
  for (const SessionHeader& header : config.session.headers) {
    names.push_back(header.name);
  }
  for (const ListenConfig& listen : config.listen) {
    if (listen.tls && !listen.tls->client_ca.empty()) {
      names.push_back(listen.tls->client_subject_header);
    }
  }
  // Not only for backends with an assertion: nobody else may seem to speak for Keepsake.
  names.emplace_back(kAssertionHeader);
  return names;
}

std::vector<RouteRules> rules_of_all(const Config& config) {
  std::vector<RouteRules> rules;
  rules.reserve(config.routes.size());
  for (const RouteConfig& route : config.routes) {
    rules.emplace_back(config, route);
  }
  return rules;
}

std::shared_ptr<RateBuckets> buckets_for(const Config& config, const Snapshot* before) {
  if (std::all_of(config.routes.begin(), config.routes.end(),
                  [](const RouteConfig& route) { return route.rate_limits.empty(); })) {
    return nullptr;
  }
  if (before != nullptr && before->rate_buckets &&
      before->rate_buckets->capacity() == config.limits.rate_buckets) {
    return before->rate_buckets;
  }
  Random random;
  const RateBuckets::Seed seed{random.next_u64(), random.next_u64()};
  return std::make_shared<RateBuckets>(config.limits.rate_buckets, seed);
}

std::vector<std::shared_ptr<const HashRing>> rings_of(const Config& config) {
  std::vector<std::shared_ptr<const HashRing>> rings;
  for (const BackendConfig& backend : config.backends) {
    rings.push_back(backend.balance == Balance::SessionHash
                        ? std::make_shared<const HashRing>(backend.servers)
                        : nullptr);
  }
  return rings;
}

// Header lines of a response; of a large head one for each 256 bytes.
std::size_t response_fields(const LimitsConfig& limits) {
  constexpr std::size_t kFew = 500;
  constexpr std::size_t kLong = 256;
  return std::max<std::size_t>(kFew, limits.response_header / kLong);
}

}  // namespace

Snapshot::Snapshot(Config loaded, const Snapshot* before)
    : config(std::move(loaded)),
      names(injected_names(config)),
      routes(config.routes),
      rules(config),
      route_rules(rules_of_all(config)),
      rings(rings_of(config)),
      keys(make_key_ring(config.session)),
      cookie_names(keepsake::cookie_names(config.session.cookie)),
      lifetime(lifetime_of(config.session)),
      cookie_lifetime(lifetime),
      request_limits{config.limits.header, config.limits.headers, config.limits.target},
      response_limits{config.limits.response_header, response_fields(config.limits), 0} {
  rate_buckets = buckets_for(config, before);
  if (has_else(config)) {
    return_name = return_cookie_name(config.session.cookie);
  }
  privileged = privileged_keys(config);
  asterisk_route.path = "*";
  asterisk_route.session = false;
  if (config.session.store != SessionStoreKind::Cookie) {
    cookie_lifetime.idle_timeout = cookie_lifetime.absolute_timeout;
    cookie_lifetime.idles = false;
  }
}

Snapshot::~Snapshot() {
  wipe_secrets(config);
}

}  // namespace keepsake
