#include "http2/response_fields.hpp"

#include <algorithm>
#include <cstring>

#include "http/chars.hpp"
#include "http2/field_rules.hpp"

namespace keepsake {

using namespace std::string_view_literals;

namespace {

// nghttp2 wants pointers to bytes that may change; it does not change them.
std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

nghttp2_nv field_of(std::string_view name, std::string_view value) {
  return {bytes_of(name), bytes_of(value), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

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
  while (p != end) {
    char* const name = p;
    while (p != end && is_token(*p)) {
      *p = to_lower(*p);
      ++p;
    }
    if (p == end || *p != ':' || p == name) {
      return false;
    }
    const std::string_view name_text{name, static_cast<std::size_t>(p - name)};
    ++p;
    // The line ends at its first CR, and that is before its first LF.
    auto* const stop = static_cast<char*>(std::memchr(p, '\r', static_cast<std::size_t>(end - p)));
    if (stop == nullptr || stop + 1 == end || stop[1] != '\n' ||
        std::memchr(p, '\n', static_cast<std::size_t>(stop - p)) != nullptr) {
      return false;
    }
    const std::string_view value = trim({p, static_cast<std::size_t>(stop - p)});
    p = stop + 2;
    if (name_text == "connection"sv) {
      for_each_list_element(value, [&](std::string_view option) {
        if (!equals_lower(option, "close"sv) && !equals_lower(option, "keep-alive"sv)) {
          nominated_.push_back(option);
        }
      });
    }
    if (may_pass(name_text, trailers)) {
      fields_.push_back(field_of(name_text, value));
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

// A cookie is never lost to a name in Connection, as in HTTP/1 (server/response_head.cpp).
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
