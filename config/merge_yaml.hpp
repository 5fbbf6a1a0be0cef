#pragma once
// One tree from the trees of several files. Called by load.cpp, which has parsed each of them.

#include "config/yaml_tree.hpp"

namespace keepsake {

// Adds the keys of `more` to `into`, maps below maps. A key that both have is a problem that names
// both places, unless both values are maps.
void merge_yaml(YamlNode& into, YamlNode more, Report& report);

}  // namespace keepsake
