#include "process/config_file.hpp"

#include <unistd.h>

#include <ostream>

namespace keepsake {

std::optional<std::string> find_config_file(const std::string& named, std::ostream& err) {
  if (!named.empty()) {
    return named;
  }
  // One that is there and cannot be read is an error that loading reports, not a reason to go on.
  for (const char* path : {"keepsake.yaml", "/etc/keepsake/keepsake.yaml"}) {
    if (::access(path, F_OK) == 0) {
      return path;
    }
  }
  err << "keepsake: no configuration: there is neither ./keepsake.yaml nor "
         "/etc/keepsake/keepsake.yaml; name a file with --config FILE\n";
  return std::nullopt;
}

std::optional<Config> load_or_explain(const std::string& path, std::ostream& err) {
  return explain(load_config_file(path), err);
}

std::optional<Config> explain(Loaded loaded, std::ostream& err) {
  for (const Problem& problem : loaded.problems) {
    err << to_string(problem) << '\n';
  }
  for (const std::string& warning : loaded.warnings) {
    err << "warning: " << warning << '\n';
  }
  return std::move(loaded.config);
}

}  // namespace keepsake
