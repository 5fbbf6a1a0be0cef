#include "session/privileged.hpp"

#include <algorithm>

namespace keepsake {

bool changes_privileged(const Session& before, const Session& after, PrivilegedKeys keys) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const std::string& key) { return before.find(key) != after.find(key); });
}

void erase_changed(Session& session, const Session& after, PrivilegedKeys keys) {
  for (const std::string& key : keys) {
    if (session.find(key) != after.find(key)) {
      session.erase(key);
    }
  }
}

void erase_privileged(Session& session, PrivilegedKeys keys) {
  for (const std::string& key : keys) {
    session.erase(key);
  }
}

}  // namespace keepsake
