#include "demo-backend/page.hpp"

#include <boost/url/pct_string_view.hpp>

namespace keepsake::demo {

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto first = static_cast<unsigned char>(text[i++]);
    if (first < 0x80) {
      continue;
    }
    // Length, and the smallest code point that needs it: overlong forms are refused (RFC 3629 3).
    const std::size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    if (first < 0xC2 || first > 0xF4 || text.size() - i < more) {
      return false;
    }
    char32_t code = first & (0x3Fu >> more);
    for (std::size_t k = 0; k < more; ++k) {
      const auto next = static_cast<unsigned char>(text[i++]);
      if ((next & 0xC0) != 0x80) {
        return false;
      }
      code = (code << 6) | (next & 0x3Fu);
    }
    const char32_t smallest = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
    if (code < smallest || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
      return false;
    }
  }
  return true;
}

std::optional<std::string> decode_session_value(std::string_view header) {
  const auto escaped = boost::urls::make_pct_string_view({header.data(), header.size()});
  if (!escaped) {
    return std::nullopt;
  }
  std::string text = escaped->decode();
  if (!is_utf8(text)) {
    return std::nullopt;
  }
  return text;
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string render_form(const std::optional<std::string>& name) {
  // Without a name the heading is no <h1>: whoever looks for one learns whether the visitor is
  // known.
  const std::string heading =
      name ? "<h1>" + escape_html(*name) + "</h1>"
           : std::string{"<div role=\"heading\" aria-level=\"1\">What is your name?</div>"};
  constexpr std::string_view mark = "{{heading}}";
  std::string page{form_html};
  page.replace(page.find(mark), mark.size(), heading);
  return page;
}

}  // namespace keepsake::demo
