#pragma once
// UTF-8 as the codecs need it: validity (RFC 3629: no overlong forms, no surrogates, nothing above
// U+10FFFF), and one code point at a time for JSON's escapes.

#include <cstdint>
#include <string>
#include <string_view>

namespace keepsake {

bool is_utf8(std::string_view text);

// Reads the code point at `at` and moves `at` behind it. `text` is valid UTF-8, except that
// surrogates may stand in it in three bytes each, as append_utf8 writes them.
std::uint32_t next_code_point(std::string_view text, std::size_t& at);

// Appends `code_point` (at most U+10FFFF; a surrogate takes three bytes as if it were a character).
void append_utf8(std::uint32_t code_point, std::string& out);

}  // namespace keepsake
