#pragma once
// Character classes of RFC 9110 5.6 and the folding of header names that every look-up here uses.

#include <array>
#include <cstdint>
#include <string_view>

namespace keepsake {

namespace detail {
constexpr bool is_token_char(unsigned char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
    return true;
  }
  for (const char extra : std::string_view{"!#$%&'*+-.^_`|~"}) {
    if (c == static_cast<unsigned char>(extra)) {
      return true;
    }
  }
  return false;
}

constexpr auto make_token_table() {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    table[c] = is_token_char(static_cast<unsigned char>(c)) ? 1 : 0;
  }
  return table;
}

// Letters to lower case, digits as they are, every other byte to '-'. Two names that some backend
// could take for the same variable (CGI, WSGI and PHP turn '-' into '_'; PHP also '.') fold alike.
constexpr auto make_fold_table() {
  std::array<char, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    if (c >= 'A' && c <= 'Z') {
      table[c] = static_cast<char>(c + 32);
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      table[c] = static_cast<char>(c);
    } else {
      table[c] = '-';
    }
  }
  return table;
}
}  // namespace detail

inline constexpr std::array<std::uint8_t, 256> kTokenTable = detail::make_token_table();
inline constexpr std::array<char, 256> kFoldTable = detail::make_fold_table();

inline bool is_token(char c) {
  return kTokenTable[static_cast<unsigned char>(c)] != 0;
}
inline char fold(char c) {
  return kFoldTable[static_cast<unsigned char>(c)];
}
inline char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
inline bool is_space(char c) {
  return c == ' ' || c == '\t';
}

// RFC 3986 2.3: a byte that means the same whether it is escaped or not.
constexpr bool is_unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// ASCII case only; `lower` is already lower case.
inline bool equals_lower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (to_lower(text[i]) != lower[i]) {
      return false;
    }
  }
  return true;
}

inline bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) {
      return false;
    }
  }
  return true;
}

inline bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!is_token(c)) {
      return false;
    }
  }
  return !text.empty();
}

// Without leading and trailing SP and HTAB (OWS of RFC 9110 5.6.3).
inline std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// Calls visit(element) for each non-empty, trimmed element of a comma-separated list (RFC
// 9110 5.6.1).
template <class Visit>
void for_each_list_element(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view element = trim(list.substr(0, comma));
    if (!element.empty()) {
      visit(element);
    }
    if (comma == std::string_view::npos) {
      return;
    }
    list.remove_prefix(comma + 1);
  }
}

}  // namespace keepsake
