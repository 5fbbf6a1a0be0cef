#include "session/python_text.hpp"

#include <algorithm>
#include <cstdint>

#include "http/hex.hpp"

namespace keepsake {
namespace {

// Four hex digits at `at`, already known to be there and to be digits.
std::uint32_t code_unit(std::string_view text, std::size_t at) {
  std::uint32_t unit = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    unit = unit << 4 | static_cast<std::uint32_t>(hex_value(text[i]));
  }
  return unit;
}

bool is_high(std::uint32_t unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}

bool is_low(std::uint32_t unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

// A surrogate is read and written as any other code point of three bytes.
std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&text](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::uint32_t lead = byte(at);
  if (lead < 0x80) {
    at += 1;
    return lead;
  }
  if (lead < 0xE0) {
    at += 2;
    return (lead & 0x1F) << 6 | (byte(at - 1) & 0x3F);
  }
  if (lead < 0xF0) {
    at += 3;
    return (lead & 0x0F) << 12 | (byte(at - 2) & 0x3F) << 6 | (byte(at - 1) & 0x3F);
  }
  at += 4;
  return (lead & 0x07) << 18 | (byte(at - 3) & 0x3F) << 12 | (byte(at - 2) & 0x3F) << 6 |
         (byte(at - 1) & 0x3F);
}

void append_code_point(std::uint32_t code_point, std::string& out) {
  const auto push = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    push(code_point);
  } else if (code_point < 0x800) {
    push(0xC0 | code_point >> 6);
    push(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    push(0xE0 | code_point >> 12);
    push(0x80 | (code_point >> 6 & 0x3F));
    push(0x80 | (code_point & 0x3F));
  } else {
    push(0xF0 | code_point >> 18);
    push(0x80 | (code_point >> 12 & 0x3F));
    push(0x80 | (code_point >> 6 & 0x3F));
    push(0x80 | (code_point & 0x3F));
  }
}

}  // namespace

bool decode_json_string(std::string_view literal, std::string& out) {
  const std::string_view text = literal.substr(1, literal.size() - 2);
  bool whole = true;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t plain = std::min(text.find('\\', at), text.size());
    out.append(text.substr(at, plain - at));
    if (plain == text.size()) {
      break;
    }
    const char c = text[plain + 1];
    at = plain + 2;
    switch (c) {
      case 'b':
        out.push_back('\b');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 't':
        out.push_back('\t');
        break;
      case 'u': {
        std::uint32_t code_point = code_unit(text, at);
        at += 4;
        if (is_high(code_point) && text.substr(at).starts_with("\\u") &&
            is_low(code_unit(text, at + 2))) {
          code_point = 0x10000 + ((code_point - 0xD800) << 10) + (code_unit(text, at + 2) - 0xDC00);
          at += 6;
        }
        whole = whole && !is_high(code_point) && !is_low(code_point);
        append_code_point(code_point, out);
        break;
      }
      default:  // '"', '\\', '/'
        out.push_back(c);
    }
  }
  return whole;
}

void encode_json_string(std::string_view text, std::string& out) {
  const auto append_unit = [&out](std::uint32_t unit) {
    const char digits[] = {'\\',
                           'u',
                           kLowerHex[unit >> 12 & 15],
                           kLowerHex[unit >> 8 & 15],
                           kLowerHex[unit >> 4 & 15],
                           kLowerHex[unit & 15]};
    out.append(digits, sizeof digits);
  };
  out.push_back('"');
  std::size_t at = 0;
  while (at < text.size()) {
    const std::uint32_t code_point = next_code_point(text, at);
    const std::size_t named =
        std::string_view("\"\\\b\f\n\r\t").find(static_cast<char>(code_point));
    if (code_point < 0x80 && named != std::string_view::npos) {
      out.push_back('\\');
      out.push_back("\"\\bfnrt"[named]);
    } else if (code_point >= 0x20 && code_point < 0x7F) {
      out.push_back(static_cast<char>(code_point));
    } else if (code_point < 0x10000) {
      append_unit(code_point);
    } else {
      append_unit(0xD800 + ((code_point - 0x10000) >> 10));
      append_unit(0xDC00 + ((code_point - 0x10000) & 0x3FF));
    }
  }
  out.push_back('"');
}

}  // namespace keepsake
