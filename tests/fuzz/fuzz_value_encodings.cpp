// Every encoding of a session value: one line of visible characters that reads back as it was.

#include <boost/json.hpp>

#include <string>

#include "fuzz.hpp"
#include "http/form.hpp"
#include "http/hex.hpp"
#include "http/value_encoding.hpp"

namespace {

using namespace keepsake;
using fuzz::must;

void must_be_visible(std::string_view line) {
  for (const char c : line) {
    must(c >= ' ' && c < '\x7f');
  }
}

std::string unescape(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      must(percent_byte(text, i) >= 0);
      out += static_cast<char>(percent_byte(text, i));
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string unbase64(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t group = 0;
  unsigned bits = 0;
  must(text.size() % 4 == 0);
  for (const char c : text.substr(0, text.find('='))) {
    must(kAlphabet.find(c) != std::string_view::npos);
    group = group << 6U | static_cast<std::uint32_t>(kAlphabet.find(c));
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(group >> bits & 0xFFU);
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value = fuzz::as_text(data, size);

  std::string percent;
  append_percent(value, percent);
  must_be_visible(percent);
  must(percent.empty() || (percent.front() != ' ' && percent.back() != ' '));
  must(percent.find("  ") == std::string::npos);
  must(unescape(percent, false) == value && unescape(percent, true) == value);

  std::string display;
  append_display_string(value, display);
  must_be_visible(display);
  must(display.size() >= 3 && display.substr(0, 2) == "%\"" && display.back() == '"');
  const std::string_view inside = std::string_view{display}.substr(2, display.size() - 3);
  must(inside.find('"') == std::string_view::npos && unescape(inside, false) == value);

  std::string base64;
  append_base64(value, base64);
  must_be_visible(base64);
  must(unbase64(base64) == value);

  std::string raw;
  if (append_raw(value, raw)) {
    must(raw == value && raw.find_first_of("\r\n") == std::string::npos);
    must(raw.find('\0') == std::string::npos);
  } else {
    must(raw.empty() && !storable_text(value));
  }

  std::string json;
  append_json_string(value, json);
  must_be_visible(json);
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(json, error);
  must(!error && parsed.is_string());
  must(!valid_utf8(value) || parsed.get_string() == value);
  return 0;
}
