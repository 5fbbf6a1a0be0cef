#pragma once
// Writes YAML: quoting, and lines of "key: value". Used by dump.cpp.

#include <string>
#include <string_view>
#include <utility>

namespace keepsake {

// In double quotes, with ${ written $${ so that no variable is looked for.
std::string yaml_quoted(std::string_view text);
// Bare where YAML cannot take it for anything but this text, else quoted.
std::string yaml_scalar(std::string_view text);

class YamlWriter {
 public:
  // Two spaces for each step of `depth`; without a value the line opens a map or list.
  void line(int depth, std::string_view key, std::string_view value = {});
  // The first key of a list's element.
  void item(int depth, std::string_view key, std::string_view value);
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

}  // namespace keepsake
