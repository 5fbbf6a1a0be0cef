// error_pages: of the configuration.

#include <algorithm>

#include "config/load_parts.hpp"
#include "http/utf8.hpp"

namespace keepsake {
namespace {

constexpr std::size_t largest_page = 64 * 1024;

// "404" or "4xx"; false for anything else.
bool parse_statuses(std::string_view text, ErrorPage& page) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 3 || (text[0] != '4' && text[0] != '5')) {
    return false;
  }
  page.first = static_cast<unsigned>(text[0] - '0') * 100;
  if (text.substr(1) == "xx") {
    page.last = page.first + 99;
    return true;
  }
  if (!digit(text[1]) || !digit(text[2])) {
    return false;
  }
  page.first += static_cast<unsigned>(text[1] - '0') * 10 + static_cast<unsigned>(text[2] - '0');
  page.last = page.first;
  return true;
}

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

void load_page(const Value& value, ErrorPage& page) {
  const auto path = value.text("the path of an HTML file");
  if (!path) {
    return;
  }
  page.file = *path;
  FileError error;
  auto text = value.reading().environment.read_file(*path, error);
  const std::string file = "the file " + value.quote(*path);
  if (!text) {
    value.fail(file + " cannot be read: " + error.why);
  } else if (text->empty()) {
    value.fail(file + " is empty");
  } else if (text->size() > largest_page) {
    value.fail(file + " is larger than 64KiB");
  } else if (!is_utf8(*text)) {
    value.fail(file + " is not UTF-8");
  } else {
    page.text = std::move(*text);
  }
}

}  // namespace

void load_error_pages(const Value& value, std::vector<ErrorPage>& pages) {
  for (const auto& [name, file] :
       read_names(value, "a map of statuses to files, as in {404: missing.html, 5xx: down.html}")) {
    ErrorPage page;
    if (!parse_statuses(name, page)) {
      file.fail("is no status of an error, expected 400 to 599, 4xx or 5xx");
      continue;
    }
    load_page(file, page);
    pages.push_back(std::move(page));
  }
  // The first match wins: 404 before 4xx, whatever the order of the file.
  std::sort(pages.begin(), pages.end(), [](const ErrorPage& a, const ErrorPage& b) {
    return std::pair{a.last - a.first, a.first} < std::pair{b.last - b.first, b.first};
  });
}

}  // namespace keepsake
