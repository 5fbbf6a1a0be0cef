#include "server/snapshot.hpp"

#include "server/inject_session.hpp"

namespace keepsake {

namespace {

std::vector<std::string> injected_names(const Config& config) {
  std::vector<std::string> names;
  for (const SessionHeader& header : config.session.headers) {
    names.push_back(header.name);
  }
  // Not only for backends with an assertion: nobody else may seem to speak for Keepsake.
  names.emplace_back(kAssertionHeader);
  return names;
}

std::vector<std::string> secret_texts(const Config& config) {
  std::vector<std::string> texts;
  for (const Secret& secret : config.session.secrets) {
    texts.push_back(secret.text);
  }
  return texts;
}

constexpr std::size_t kResponseHeadBytes = 64 * 1024;
constexpr std::size_t kResponseFields = 500;

}  // namespace

Snapshot::Snapshot(Config loaded)
    : config(std::move(loaded)),
      names(injected_names(config)),
      routes(config.routes),
      keys(std::make_shared<const KeyRing>(secret_texts(config))),
      lifetime(lifetime_of(config.session)),
      cookie_lifetime(lifetime),
      request_limits{config.limits.header, config.limits.headers, config.limits.target},
      response_limits{kResponseHeadBytes - 1, kResponseFields, 0} {
  asterisk_route.path = "*";
  asterisk_route.session = false;
  if (config.session.store != SessionStoreKind::Cookie) {
    cookie_lifetime.idle_timeout = cookie_lifetime.absolute_timeout;
  }
}

}  // namespace keepsake
