// remember of set routes: how long a session lasts whose visitor has checked the box.

#include "config/units.hpp"
#include "config/validate.hpp"

namespace keepsake {

void validate_remember(const Config& config, Report& report) {
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const std::optional<RememberConfig>& remember = config.routes[i].remember;
    const std::string path = join_path(join_path("routes", i), "remember");
    if (!remember || report.is_bad(path)) {
      continue;
    }
    if (config.session.format == SessionFormat::Flask) {
      report.problem(path, "format: flask has a lifetime of its own: _permanent");
    } else if (remember->field.empty()) {
      report.problem(path + ".field", "expected the name of a form field");
    } else if (remember->lifetime > config.session.absolute_timeout) {
      report.problem(path + ".lifetime", "is longer than absolute_timeout (" +
                                             format_duration(config.session.absolute_timeout) +
                                             "), which ends the session first");
    } else if (remember->lifetime < config.session.idle_timeout) {
      report.warning(path + ".lifetime",
                     "is shorter than idle_timeout: the box makes the session end sooner");
    }
    for (const SetField& field : config.routes[i].set) {
      if (field.field == remember->field) {
        report.problem(path + ".field",
                       "is the field of the session key " + path_step(field.key) + " already");
      }
    }
  }
}

}  // namespace keepsake
