#pragma once
// Header lines as text of HTTP/1.1, and the fields of HTTP/2 that they become (RFC 9113 8.2): names
// in lower case, values without white space around them. No copy: the fields are views into the
// text, whose names are lowered in place. For the sessions alone.

#include <nghttp2/nghttp2.h>

#include <string_view>

namespace keepsake {

struct FieldLine {
  std::string_view name;  // in lower case
  std::string_view value;
};

// Takes the line at `p`, which ends with CRLF before `end`. False: it is malformed.
bool next_field_line(char*& p, const char* end, FieldLine& line);

nghttp2_nv field_of(std::string_view name, std::string_view value);

}  // namespace keepsake
