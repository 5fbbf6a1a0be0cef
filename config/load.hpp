#pragma once
// From the text of a configuration file to a Config that the server may run with, or to the list of
// everything that is wrong with it. Called by `keepsake run`, `check`, `inspect` and by a reload;
// never on the request path.

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/config_files.hpp"
#include "config/environment.hpp"
#include "config/report.hpp"

namespace keepsake {

struct Loaded {
  std::optional<Config> config;       // empty if there is any problem
  std::vector<Problem> problems;      // all of them, in the order of the file
  std::vector<std::string> warnings;  // what is allowed and still worth a look
  // Files that were read, or could not be, each in the state in which it was found; those of
  // certificates only if there is a problem, since a server looks after them itself.
  FileStates files;
  // For the test that holds loader, schema and documents together: the keys that were asked for, as
  // "listen[].address" and "backends.*.host", and those of them that the file has.
  std::set<std::string> known_keys;
  std::set<std::string> used_keys;
};

struct ConfigText {
  std::string file;  // its name in messages
  std::string text;
};

// `path` may be a folder: its files are taken together, see list_config_files and merge_yaml.
Loaded load_config_file(const std::string& path);
Loaded load_config_texts(const std::vector<ConfigText>& texts, const Environment& environment);
Loaded load_config_text(std::string_view yaml, std::string_view file_name,
                        const Environment& environment);

}  // namespace keepsake
