#pragma once
// Finds and loads the configuration file of a command, and says on standard error what is wrong
// with it. Called by run, check and inspect before anything else happens.

#include <iosfwd>
#include <optional>
#include <string>

#include "config/load.hpp"

namespace keepsake {

// `named` is what --config says; empty: ./keepsake.yaml, then /etc/keepsake/keepsake.yaml. Empty,
// and a line on `err`, if there is none.
std::optional<std::string> find_config_file(const std::string& named, std::ostream& err);

// Loads `path`; all its problems and warnings go to `err`.
// What is wrong and what is worth a look goes to `err`.
std::optional<Config> explain(Loaded loaded, std::ostream& err);
std::optional<Config> load_or_explain(const std::string& path, std::ostream& err);

}  // namespace keepsake
