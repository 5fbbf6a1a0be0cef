#include "http2/response_fields.hpp"

#include <algorithm>

#include "http/chars.hpp"
#include "http2/field_lines.hpp"
#include "http2/field_rules.hpp"

namespace keepsake {

using namespace std::string_view_literals;

namespace {

std::string_view name_of(const nghttp2_nv& field) {
  return {reinterpret_cast<const char*>(field.name), field.namelen};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

bool ResponseFields::read_head(char* text, std::size_t size, bool tunnel) {
  constexpr std::size_t kStatus = 9;  // behind "HTTP/1.1 "
  fields_.clear();
  nominated_.clear();
  tunnel_ = tunnel;
  const std::string_view all{text, size};
  const std::size_t line = all.find("\r\n"sv);
  if (line == std::string_view::npos || line < kStatus + 3 || !is_digit(text[kStatus]) ||
      !is_digit(text[kStatus + 1]) || !is_digit(text[kStatus + 2]) ||
      all.substr(size - std::min<std::size_t>(size, 4)) != "\r\n\r\n"sv) {
    return false;
  }
  const std::string_view status = tunnel ? "200"sv : all.substr(kStatus, 3);
  status_ =
      static_cast<unsigned>((status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0'));
  fields_.push_back(field_of(":status"sv, status));
  if (!read_lines(text + line + 2, text + size - 2, false)) {
    return false;
  }
  if (!nominated_.empty()) {
    drop_nominated();
  }
  return true;
}

bool ResponseFields::read_trailers(char* lines, std::size_t size) {
  fields_.clear();
  nominated_.clear();
  tunnel_ = false;
  return read_lines(lines, lines + size, true);
}

bool ResponseFields::read_lines(char* p, const char* end, bool trailers) {
  FieldLine line;
  while (p != end) {
    if (!next_field_line(p, end, line)) {
      return false;
    }
    if (line.name == "connection"sv) {
      for_each_list_element(line.value, [&](std::string_view option) {
        if (!equals_lower(option, "close"sv) && !equals_lower(option, "keep-alive"sv)) {
          nominated_.push_back(option);
        }
      });
    }
    if (may_pass(line.name, trailers)) {
      fields_.push_back(field_of(line.name, line.value));
    }
  }
  return true;
}

bool ResponseFields::may_pass(std::string_view name, bool trailers) const {
  if (is_connection_specific(name) || name == "http2-settings"sv) {
    return false;
  }
  if (name == "content-length"sv) {
    return !trailers && !tunnel_ && status_ >= 200 && status_ != 204;
  }
  return !tunnel_ || name != "sec-websocket-accept"sv;
}

// A cookie is never lost to a name in Connection, as in HTTP/1 (exchange/response_head.cpp).
void ResponseFields::drop_nominated() {
  std::erase_if(fields_, [&](const nghttp2_nv& field) {
    const std::string_view name = name_of(field);
    return name.front() != ':' && name != "set-cookie"sv &&
           std::any_of(nominated_.begin(), nominated_.end(),
                       [&](std::string_view option) { return equals_ignoring_case(name, option); });
  });
}

void ResponseFields::ask_for_copies() {
  for (nghttp2_nv& field : fields_) {
    field.flags = NGHTTP2_NV_FLAG_NONE;
  }
}

}  // namespace keepsake
