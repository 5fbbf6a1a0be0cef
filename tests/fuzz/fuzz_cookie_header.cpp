// The Cookie line: our cookie never stays in it, and everything else stays as it was.
// Input: one byte that picks the name, then the line.

#include <array>
#include <string>
#include <vector>

#include "fuzz.hpp"
#include "http/chars.hpp"
#include "http/cookie.hpp"
#include "http/cookie_line.hpp"

namespace {

using namespace keepsake;
using fuzz::must;

std::vector<std::string> split(std::string_view line) {
  std::vector<std::string> parts(1);
  for (const char c : line) {
    if (c == ';') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool mentions_cookie(std::string_view line, std::string_view name) {
  const bool any_case = name.starts_with("__");
  for (const std::string& part : split(line)) {
    const std::string_view found = trim(trim(part).substr(0, trim(part).find('=')));
    if (any_case ? equals_ignoring_case(found, name) : found == name) {
      return true;
    }
  }
  return false;
}

void check_removal(std::string_view line, std::string_view name) {
  std::string out = "kept";
  must(append_without_cookie(line, name, out) == mentions_cookie(line, name));
  must(out.substr(0, 4) == "kept");
  out.erase(0, 4);
  if (!mentions_cookie(line, name)) {
    must(out == line);
    return;
  }
  must(!mentions_cookie(out, name));
  CookieLine rest{out};
  for (std::string_view part; rest.next(part);) {
    must(!is_cookie_of(part, name));
  }

  std::vector<std::string> expected;
  bool visible = false;
  for (const std::string& part : split(line)) {
    if (!mentions_cookie(part, name)) {
      expected.push_back(part);
      visible = visible || !trim(part).empty();
    }
  }
  if (!visible) {
    must(out.empty());
    return;
  }
  const std::vector<std::string> left = split(out);
  must(left.size() == expected.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    must(i == 0 ? trim(left[i]) == trim(expected[i]) : left[i] == expected[i]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array<std::string_view, 4> kNames{"session", "__Host-id", "__Secure-s", "a"};
  if (size == 0) {
    return 0;
  }
  const std::string_view name = kNames[data[0] % kNames.size()];
  const std::string_view line = fuzz::as_text(data + 1, size - 1);

  CookieLine cookies{line};
  for (std::string_view part; cookies.next(part);) {
    if (!is_cookie_of(part, name) || cookie_name(part) != name) {
      continue;
    }
    must(mentions_cookie(line, name));
    const std::string_view value = cookie_value(part, name);
    must(value.empty() || fuzz::within(value, line));
    must(value.find(';') == std::string_view::npos);
    // What stands before it is our name and nothing less.
    must(value.empty() || std::string_view(value.data() - name.size() - 1, name.size()) == name);
  }
  check_removal(line, name);
  must(set_cookie_names(line, name) || !mentions_cookie(line.substr(0, line.find(';')), name));

  const CookieAttributes attributes{name, "/",  "",    std::nullopt, std::nullopt,
                                    true, true, false, "Lax"};
  std::string set;
  append_set_cookie(attributes, "value", set);
  must(set_cookie_names(set, name));
  return 0;
}
