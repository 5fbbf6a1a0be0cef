#include "http/prefetch.hpp"

#include <algorithm>

#include "http/chars.hpp"

namespace keepsake {

namespace {

// `lower` is lower case.
bool contains(std::string_view text, std::string_view lower) {
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(),
                     [](char a, char b) { return to_lower(a) == b; }) != text.end();
}

bool names_a_purpose(std::string_view name) {
  constexpr std::string_view kPurpose = "purpose";
  return (name.size() >= kPurpose.size() &&
          equals_lower(name.substr(name.size() - kPurpose.size()), kPurpose)) ||
         equals_lower(name, "x-moz");
}

bool says_prefetch(const Field& field) {
  if (names_a_purpose(field.name)) {
    return contains(field.value, "prefetch") || contains(field.value, "prerender") ||
           contains(field.value, "preview");
  }
  return contains(field.name, "prefetch") && field.value != "0" &&
         !equals_lower(field.value, "false");
}

}  // namespace

bool is_prefetch(const RequestHead& head) {
  return std::any_of(head.fields.begin(), head.fields.end(), says_prefetch);
}

}  // namespace keepsake
