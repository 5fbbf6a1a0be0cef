#pragma once
// What is judged on a configuration file's text itself, before or beside its YAML. Used by
// yaml_tree and yaml_reader; pure functions.

#include <optional>
#include <string>
#include <string_view>

#include "config/report.hpp"

namespace keepsake {

// Line `line`, counted from 1, without its end; empty when there is none.
std::string_view line_of(std::string_view text, int line);

// The place of the first byte that is neither well-formed UTF-8 (RFC 3629) nor printable; the BOM
// that some editors write is fine.
std::optional<Position> find_bad_byte(std::string_view text);

// A tab before the first other byte of a line that says something.
std::optional<Position> find_tab_indent(std::string_view text);

// "; ... needs quotes" when this line of the text holds, inside [] or {}, what YAML reads in a way
// that surprises: an IPv6 address or ${...} without quotes. Empty otherwise.
std::string flow_hint(std::string_view text, int line);

}  // namespace keepsake
