#include "http2/field_lines.hpp"

#include <cstring>

#include "http/chars.hpp"

namespace keepsake {

namespace {

// nghttp2 wants pointers to bytes that may change; it does not change them.
std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

}  // namespace

bool next_field_line(char*& p, const char* end, FieldLine& line) {
  char* const name = p;
  while (p != end && is_token(*p)) {
    *p = to_lower(*p);
    ++p;
  }
  if (p == end || *p != ':' || p == name) {
    return false;
  }
  line.name = {name, static_cast<std::size_t>(p - name)};
  ++p;
  // The line ends at its first CR, and that is before its first LF.
  auto* const stop = static_cast<char*>(std::memchr(p, '\r', static_cast<std::size_t>(end - p)));
  if (stop == nullptr || stop + 1 == end || stop[1] != '\n' ||
      std::memchr(p, '\n', static_cast<std::size_t>(stop - p)) != nullptr) {
    return false;
  }
  line.value = trim({p, static_cast<std::size_t>(stop - p)});
  p = stop + 2;
  return true;
}

nghttp2_nv field_of(std::string_view name, std::string_view value) {
  return {bytes_of(name), bytes_of(value), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

}  // namespace keepsake
