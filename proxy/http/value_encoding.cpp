#include "http/value_encoding.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "http/hex.hpp"
#include "http/utf8.hpp"

namespace keepsake {
namespace {

using Table = std::array<bool, 256>;

constexpr Table make_table(std::string_view except) {
  Table table{};
  for (unsigned c = 0x21; c <= 0x7E; ++c) {
    table[c] = except.find(static_cast<char>(c)) == std::string_view::npos;
  }
  return table;
}

// '+' is encoded because the decoders of many languages take it for a space.
constexpr Table kPercentPlain = make_table("%+");
constexpr Table kJsonPlain = make_table("\"\\");

bool in(const Table& table, char c) {
  return table[static_cast<unsigned char>(c)];
}

// Appends runs of bytes for which plain(i) holds at once, and the others by encode(byte).
template <class Plain, class Encode>
void append_runs(std::string_view text, std::string& out, Plain&& plain, Encode&& encode) {
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && plain(end)) {
      ++end;
    }
    out.append(text, i, end - i);
    i = end;
    if (i < text.size()) {
      encode(static_cast<unsigned char>(text[i]));
      ++i;
    }
  }
}

void append_u_escape(std::uint32_t unit, std::string& out) {
  out += "\\u";
  append_hex(static_cast<unsigned char>(unit >> 8U), kLowerHex, out);
  append_hex(static_cast<unsigned char>(unit & 0xFFU), kLowerHex, out);
}

void append_json_char(std::uint32_t c, std::string& out) {
  constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetter = "\"\\bfnrt";
  const std::size_t at = c < 0x80 ? kShort.find(static_cast<char>(c)) : std::string_view::npos;
  if (at != std::string_view::npos) {
    out += '\\';
    out += kLetter[at];
  } else if (c >= 0x10000) {
    append_u_escape(0xD800U + ((c - 0x10000U) >> 10U), out);
    append_u_escape(0xDC00U + ((c - 0x10000U) & 0x3FFU), out);
  } else {
    append_u_escape(c, out);
  }
}

}  // namespace

void append_percent(std::string_view utf8, std::string& out) {
  const auto plain = [&](std::size_t i) {
    if (utf8[i] != ' ') {
      return in(kPercentPlain, utf8[i]);
    }
    return i > 0 && i + 1 < utf8.size() && utf8[i - 1] != ' ' && utf8[i + 1] != ' ';
  };
  append_runs(utf8, out, plain, [&](unsigned char byte) {
    out += '%';
    append_hex(byte, kUpperHex, out);
  });
}

void append_display_string(std::string_view utf8, std::string& out) {
  out += "%\"";
  const auto plain = [&](std::size_t i) {
    const char c = utf8[i];
    return c >= ' ' && c < '\x7f' && c != '%' && c != '"';
  };
  append_runs(utf8, out, plain, [&](unsigned char byte) {
    out += '%';
    append_hex(byte, kLowerHex, out);
  });
  out += '"';
}

void append_base64(std::string_view bytes, std::string& out) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8U | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += k <= have ? kAlphabet[group >> (18U - 6U * k) & 63U] : '=';
    }
  }
}

bool append_raw(std::string_view utf8, std::string& out) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; };
  if (std::any_of(utf8.begin(), utf8.end(), control)) {
    return false;
  }
  out += utf8;
  return true;
}

void append_json_string(std::string_view utf8, std::string& out) {
  out += '"';
  for (std::size_t i = 0; i < utf8.size();) {
    const std::size_t begin = i;
    while (i < utf8.size() && (utf8[i] == ' ' || in(kJsonPlain, utf8[i]))) {
      ++i;
    }
    out.append(utf8, begin, i - begin);
    if (i < utf8.size()) {
      const CodePoint point = decode_utf8(utf8, i);
      append_json_char(point.size == 0 ? 0xFFFDU : point.value, out);
      i += std::max<std::size_t>(1, point.size);
    }
  }
  out += '"';
}

}  // namespace keepsake
