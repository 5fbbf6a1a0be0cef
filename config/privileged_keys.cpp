#include "config/privileged_keys.hpp"

#include <algorithm>

namespace keepsake {

namespace {

void add_once(const std::string& key, std::vector<std::string>& keys) {
  if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
    keys.push_back(key);
  }
}

}  // namespace

std::vector<std::string> privileged_keys(const Config& config) {
  if (config.session.format == SessionFormat::Flask) {
    return {};
  }
  std::vector<std::string> keys = config.session.privileged;
  if (config.session.index) {
    add_once(*config.session.index, keys);
  }
  for (const RouteConfig& route : config.routes) {
    for (const Requirement& required : route.require) {
      add_once(required.key, keys);
    }
  }
  return keys;
}

}  // namespace keepsake
