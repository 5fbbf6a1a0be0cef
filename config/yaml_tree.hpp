#pragma once
// The text of a configuration file as a tree of nodes with their places, or the one reason why it
// is not YAML that we take. Called by load.cpp alone; never interprets a value. yaml-cpp's own tree
// forgets duplicate keys and further documents, so this one is built from its events.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/report.hpp"

namespace keepsake {

struct YamlNode {
  enum class Kind : std::uint8_t { Null, Scalar, Sequence, Map };
  Kind kind = Kind::Null;
  bool quoted =
      false;          // a scalar in quotes, as a block or tagged !!str: text whatever it looks like
  bool flow = false;  // a sequence in [] or a map in {}
  Position position;
  std::string text;             // Kind::Scalar
  std::vector<YamlNode> items;  // Kind::Sequence: the elements; Kind::Map: the values
  std::vector<YamlNode> keys;   // Kind::Map: the key of each value, in the order of the file
};

// Bounds that no honest file comes near.
inline constexpr std::size_t max_config_bytes = 1024 * 1024;
inline constexpr std::size_t max_config_nodes = 50'000;  // after aliases are filled in
inline constexpr int max_config_depth = 20;

// Empty when the text cannot be taken at all; `report` then says why. An empty file is a Null node.
// `file` is the index of the text's file in `report`.
std::optional<YamlNode> parse_yaml(std::string_view text, Report& report, int file = 0);

}  // namespace keepsake
