#pragma once
// The page of form.html with a visitor's name in it. Called for GET /; the template is a part of
// the program, no file is read while it runs.

#include <optional>
#include <string>
#include <string_view>

namespace keepsake::demo {

// The bytes of form.html.
extern const std::string_view form_html;

// The text that a session header carries: percent-decoded UTF-8. Empty result: a broken escape, or
// bytes that are no UTF-8.
std::optional<std::string> decode_session_value(std::string_view header);

bool is_utf8(std::string_view text);

// `text` with the five characters that mean something in HTML replaced.
std::string escape_html(std::string_view text);

// form.html with the name as its <h1>, or with a neutral heading for a visitor without one.
std::string render_form(const std::optional<std::string>& name);

}  // namespace keepsake::demo
