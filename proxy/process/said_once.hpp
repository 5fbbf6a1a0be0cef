#pragma once
// Which warnings about its configuration a process has logged already: a reload repeats none of
// them. Used by control; `keepsake check` says everything each time.

#include <set>
#include <string>
#include <string_view>

namespace keepsake {

class SaidOnce {
 public:
  // True the first time. The place in the file does not count, nor does the place of a secret in
  // its list, nor what a limit was lowered to.
  bool fresh(std::string_view warning) { return said_.emplace(fact_of(warning)).second; }

 private:
  static std::string_view fact_of(std::string_view warning) {
    if (const std::size_t newline = warning.find("the newline at the end of "); newline != npos) {
      return warning.substr(newline);
    }
    if (const std::size_t lowered = warning.find(" is lowered to "); lowered != npos) {
      return warning.substr(0, lowered);
    }
    const std::size_t place = warning.find(": ");
    return place != npos ? warning.substr(place) : warning;
  }
  static constexpr std::size_t npos = std::string_view::npos;

  std::set<std::string, std::less<>> said_;
};

}  // namespace keepsake
