#include "demo-backend/page.hpp"

#include <boost/url/pct_string_view.hpp>

#include "http/utf8.hpp"

namespace keepsake::demo {

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = decode_utf8(text, at).size;
    if (size == 0) {
      return false;
    }
    at += size;
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
