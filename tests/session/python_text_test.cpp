#include "session/python_text.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "support/catch.hpp"

namespace keepsake {
namespace {

std::string encoded(std::string_view text) {
  std::string out;
  encode_json_string(text, out);
  return out;
}

std::pair<bool, std::string> decoded(std::string_view literal) {
  std::string out;
  const bool whole = decode_json_string(literal, out);
  return {whole, out};
}

}  // namespace

TEST_CASE("strings decode and encode as Python writes them in ASCII", "[session][flask]") {
  auto [text, literal] = GENERATE(table<std::string, std::string>({
      {"", R"("")"},
      {"plain /text", R"("plain /text")"},
      {"\"\\\b\f\n\r\t", R"("\"\\\b\f\n\r\t")"},
      {std::string("\x00\x1f\x7f", 3), R"("\u0000\u001f\u007f")"},
      {"Zoë 🎉", R"("Zo\u00eb \ud83c\udf89")"},
      {"\xed\xa0\xbc", R"("\ud83c")"},
      {"\xef\xbf\xbf", R"("\uffff")"},
  }));
  CHECK(encoded(text) == literal);
  CHECK(decoded(literal).second == text);
}

TEST_CASE("a lone surrogate is told, a pair is one character", "[session][flask]") {
  CHECK(decoded(R"("\ud83c\udf89")") == std::pair<bool, std::string>{true, "🎉"});
  CHECK(decoded(R"("\uD83C\uDF89")") == std::pair<bool, std::string>{true, "🎉"});
  for (const char* literal : {R"("\ud83c")", R"("\udf89")", R"("\udf89\ud83c")", R"("\ud83cx")",
                              R"("\ud83c\n")", R"("\ud83c\ud83c\udf89")"}) {
    INFO(literal);
    CHECK_FALSE(decoded(literal).first);
  }
  CHECK(decoded(R"("\/")") == std::pair<bool, std::string>{true, "/"});
  CHECK(decoded("\"Zoë\"") == std::pair<bool, std::string>{true, "Zoë"});
}

TEST_CASE("every code point survives its escape", "[session][flask]") {
  for (std::uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    std::string text;
    if (code_point < 0x80) {
      text = {static_cast<char>(code_point)};
    } else if (code_point < 0x800) {
      text = {static_cast<char>(0xC0 | code_point >> 6),
              static_cast<char>(0x80 | (code_point & 0x3F))};
    } else if (code_point < 0x10000) {
      text = {static_cast<char>(0xE0 | code_point >> 12),
              static_cast<char>(0x80 | (code_point >> 6 & 0x3F)),
              static_cast<char>(0x80 | (code_point & 0x3F))};
    } else {
      text = {static_cast<char>(0xF0 | code_point >> 18),
              static_cast<char>(0x80 | (code_point >> 12 & 0x3F)),
              static_cast<char>(0x80 | (code_point >> 6 & 0x3F)),
              static_cast<char>(0x80 | (code_point & 0x3F))};
    }
    const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    const std::string literal = encoded(text);
    const bool ascii =
        std::all_of(literal.begin(), literal.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (!ascii || decoded(literal) != std::pair<bool, std::string>{!surrogate, text}) {
      FAIL(code_point);
    }
  }
}

}  // namespace keepsake
