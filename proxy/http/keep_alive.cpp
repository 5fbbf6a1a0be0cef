#include "http/keep_alive.hpp"

#include "http/chars.hpp"

namespace keepsake {

namespace {

// Digits, perhaps in quotes; a number too large is the largest that can be said.
std::uint32_t read_number(std::string_view text) {
  if (text.size() > 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  if (text.empty()) {
    return KeepAlive::kUnsaid;
  }
  std::uint64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      return KeepAlive::kUnsaid;
    }
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
    if (number >= KeepAlive::kUnsaid) {
      return KeepAlive::kUnsaid - 1;
    }
  }
  return static_cast<std::uint32_t>(number);
}

}  // namespace

KeepAlive read_keep_alive(std::string_view value) {
  KeepAlive said;
  for_each_list_element(value, [&said](std::string_view element) {
    const std::size_t equals = element.find('=');
    if (equals == std::string_view::npos) {
      return;
    }
    const std::string_view name = trim(element.substr(0, equals));
    const std::uint32_t number = read_number(trim(element.substr(equals + 1)));
    if (equals_lower(name, "timeout")) {
      said.timeout = number;
    } else if (equals_lower(name, "max")) {
      said.max = number;
    }
  });
  return said;
}

}  // namespace keepsake
