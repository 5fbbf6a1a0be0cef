#include "session/utf8.hpp"

#include <string>

#include "support/catch.hpp"

namespace keepsake {

TEST_CASE("every code point but the surrogates is valid and reads back", "[session][utf8]") {
  for (std::uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    std::string text;
    append_utf8(code_point, text);
    const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    std::size_t at = 0;
    if (is_utf8(text) == surrogate || next_code_point(text, at) != code_point ||
        at != text.size()) {
      FAIL(code_point);
    }
  }
}

TEST_CASE("overlong, cut, stray and too high sequences are invalid wherever they stand",
          "[session][utf8]") {
  const std::string bad = GENERATE(values<std::string>({"\x80",
                                                        "\xbf",
                                                        "\xc0\xaf",
                                                        "\xc1\xbf",
                                                        "\xc2",
                                                        "\xc3(",
                                                        "\xe0\x9f\xbf",
                                                        "\xe1\x80",
                                                        "\xe1\x80(",
                                                        "\xe1(\x80",
                                                        "\xed\xa0\x80",
                                                        "\xf0\x8f\xbf\xbf",
                                                        "\xf1\x80\x80",
                                                        "\xf1\x80\x80(",
                                                        "\xf1\x80(\x80",
                                                        "\xf1(\x80\x80",
                                                        "\xf4\x90\x80\x80",
                                                        "\xf5\x80\x80\x80",
                                                        "\xfe",
                                                        "\xff"}));
  for (std::size_t before = 0; before < 18; ++before) {
    INFO(before);
    CHECK_FALSE(is_utf8(std::string(before, 'a') + bad));
    CHECK_FALSE(is_utf8(std::string(before, 'a') + bad + "bcdefghijk"));
  }
}

}  // namespace keepsake
