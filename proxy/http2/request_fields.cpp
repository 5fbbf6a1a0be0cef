#include "http2/request_fields.hpp"

#include "http/chars.hpp"
#include "http2/field_lines.hpp"
#include "http2/field_rules.hpp"

namespace keepsake {

using namespace std::string_view_literals;

namespace {

// :authority stands first, so that its absence is a matter of where the list begins.
constexpr std::size_t kPseudoFields = 4;

nghttp2_nv copied(std::string_view name, std::string_view value) {
  nghttp2_nv field = field_of(name, value);
  field.flags = NGHTTP2_NV_FLAG_NONE;
  return field;
}

// One visitor's, or one request's: in the table that all requests of the connection share they
// would only push out what repeats, and tell by the size of a block who else has sent them (RFC
// 7541 7.1.3).
bool is_of_one_visitor(std::string_view name) {
  return name.starts_with("x-"sv) || name == "cookie"sv || name == "authorization"sv ||
         name == "traceparent"sv;
}

bool may_pass(const FieldLine& line) {
  if (line.name == "te"sv) {
    return equals_lower(line.value, "trailers"sv);
  }
  return !is_connection_specific(line.name) && line.name != "http2-settings"sv;
}

}  // namespace

bool RequestFields::read_head(char* text, std::size_t size, bool https, bool tunnel) {
  constexpr std::string_view kVersion = " HTTP/1.1";
  const std::string_view all{text, size};
  const std::size_t line = all.find("\r\n"sv);
  if (line == std::string_view::npos || !all.ends_with("\r\n\r\n"sv)) {
    return false;
  }
  const std::string_view start = all.substr(0, line);
  const std::size_t space = start.find(' ');
  if (!start.ends_with(kVersion) || space + kVersion.size() + 1 >= start.size()) {
    return false;
  }
  const std::string_view target =
      start.substr(space + 1, start.size() - kVersion.size() - space - 1);
  std::string_view authority;
  fields_.assign(kPseudoFields + (tunnel ? 1U : 0U), nghttp2_nv{});
  char* p = text + line + 2;
  const char* const end = text + size - 2;
  FieldLine field;
  while (p != end) {
    if (!next_field_line(p, end, field)) {
      return false;
    }
    if (field.name == "host"sv) {
      authority = field.value;
    } else if (may_pass(field) && !(tunnel && field.name == "sec-websocket-key"sv)) {
      fields_.push_back(copied(field.name, field.value));
      if (is_of_one_visitor(field.name)) {
        fields_.back().flags = NGHTTP2_NV_FLAG_NO_INDEX;
      }
    }
  }
  has_authority_ = !authority.empty();
  fields_[0] = copied(":authority"sv, authority);
  fields_[1] = copied(":method"sv, tunnel ? "CONNECT"sv : start.substr(0, space));
  fields_[2] = copied(":scheme"sv, https ? "https"sv : "http"sv);
  fields_[3] = copied(":path"sv, target);
  if (tunnel) {
    fields_[kPseudoFields] = copied(":protocol"sv, "websocket"sv);
  }
  return true;
}

}  // namespace keepsake
