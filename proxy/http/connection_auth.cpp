#include "http/connection_auth.hpp"

#include "http/chars.hpp"

namespace keepsake {

namespace {

// The bytes of a quoted string that begins the text, quotes included; 1 if it never ends.
std::size_t quoted_size(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return 1;
}

// `name` is followed by BWS and "=": a parameter's name.
bool is_parameter(std::string_view behind) {
  behind = trim(behind);
  return behind.starts_with('=');
}

}  // namespace

// A scheme is a token outside of quotes that is no parameter's name (RFC 9110 11.3). The places
// where a scheme may stand are not looked at: a list may have been written by anybody.
bool names_connection_auth(std::string_view value) {
  while (!value.empty()) {
    if (value.front() == '"') {
      value.remove_prefix(quoted_size(value));
      continue;
    }
    std::size_t size = 0;
    while (size < value.size() && is_token(value[size])) {
      ++size;
    }
    const std::string_view word = value.substr(0, size);
    value.remove_prefix(size == 0 ? 1 : size);
    if ((equals_lower(word, "ntlm") || equals_lower(word, "negotiate")) && !is_parameter(value)) {
      return true;
    }
  }
  return false;
}

}  // namespace keepsake
