// session.index: the sessions of one person can be found only where sessions are, and only by a
// value that is not the visitor's own claim.

#include "config/validate.hpp"

namespace keepsake {
namespace {

// What the admin listener's /sessions means by its own parameters.
bool is_parameter(std::string_view key) {
  return key == "limit" || key == "after";
}

}  // namespace

void validate_index(const Config& config, Report& report) {
  const std::string path = "session.index";
  if (!config.session.index) {
    return;
  }
  const std::string& key = *config.session.index;
  if (config.session.store == SessionStoreKind::Cookie) {
    report.problem(
        path, "needs store: memory or redis: with store: cookie only browsers have the sessions");
  } else if (key.empty() || key.size() > 255) {
    report.problem(path, "expected a session key, 1 to 255 bytes");
  } else if (is_parameter(key)) {
    report.problem(path, "is a parameter of /sessions already, expected another session key");
  }
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    for (const SetField& field : config.routes[i].set) {
      if (field.key == key) {
        report.problem(path,
                       "is written by " + join_path("routes", i) +
                           ".set: any visitor could claim to be anybody and end their sessions");
        return;
      }
    }
  }
}

}  // namespace keepsake
