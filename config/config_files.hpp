#pragma once
// The files that a configuration is made of: one, or those of a folder. Called by load.cpp, and by
// the control loop to see whether one of them has changed.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/environment.hpp"

namespace keepsake {

// The files of the folder `path` that count, in their order: *.yaml and *.yml in byte order, no
// hidden ones. `path` itself if it is no folder. Empty with the reason in `error`.
std::optional<std::vector<std::string>> list_config_files(const std::string& path,
                                                          FileError& error);

// By path: what tells the present state of a file from another, without its content.
using FileStates = std::map<std::string, std::string>;

// Links are followed. The state of a folder is the list of its files that count. A path at which
// nothing is has a state too.
std::string file_state(const std::string& path);

}  // namespace keepsake
