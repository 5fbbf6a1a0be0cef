#pragma once
// application/x-www-form-urlencoded (WHATWG URL 5.1), read strictly: the bodies of `set` actions
// and the X-Session-Set field. Called by run_action and commit_session; never trims and never
// guesses.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keepsake {

enum class FormError : std::uint8_t {
  None,
  BadEscape,
  BadUtf8,
  Control,
  MissingField,
  TooManyFields,
  BadJson,
  DuplicateName
};

// One short sentence for an error page.
std::string_view describe(FormError error);

// A form with more pairs than this is refused.
inline constexpr std::size_t kMaxFormFields = 1000;

// Whether a Content-Type field says a form in UTF-8: the charset parameter may say so, no other
// charset and no other parameter may be there.
bool is_form_type(std::string_view content_type);
// The same for any media type, which is lower case.
bool is_utf8_type(std::string_view content_type, std::string_view type);

// Decodes the wanted fields into values[i] for wanted[i]. The first of duplicates wins; other
// fields are ignored, whatever they hold. `values` is meaningless after an error.
FormError read_form(std::string_view body, std::span<const std::string_view> wanted,
                    std::vector<std::string>& values);

// Whether the value of a box says that it is checked: not empty, and not "0", "false" or "off".
bool is_checked(std::string_view value);

using FormPair = std::pair<std::string, std::string>;

// Appends every pair, decoded, in order. MissingField when a pair has no '=' or an empty key.
FormError read_pairs(std::string_view text, std::vector<FormPair>& pairs);

// Strict UTF-8 (RFC 3629): no surrogates, no overlong forms, nothing above U+10FFFF.
bool valid_utf8(std::string_view text);

// Valid UTF-8 without C0 controls and DEL: what a session may hold.
bool storable_text(std::string_view text);

}  // namespace keepsake
