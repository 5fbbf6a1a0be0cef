#include "http/value_encoding.hpp"

#include <boost/json.hpp>

#include <string>

#include "http/hex.hpp"
#include "support/catch.hpp"

using namespace keepsake;

namespace {

template <class Append>
std::string encoded(Append append, std::string_view value) {
  std::string out = "before:";
  append(value, out);
  REQUIRE(out.substr(0, 7) == "before:");
  return out.substr(7);
}

std::string decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = percent_byte(text, i);
    if (byte >= 0) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

TEST_CASE("percent encoding leaves what is plain and encodes the rest", "[http][encoding]") {
  const auto [value, expected] = GENERATE(
      table<std::string, std::string>({{"", ""},
                                       {"Bob", "Bob"},
                                       {"O'Brien & S\xc3\xb6hne", "O'Brien & S%C3%B6hne"},
                                       {"a b c", "a b c"},
                                       {"a  b", "a%20%20b"},
                                       {"a   b", "a%20%20%20b"},
                                       {" a", "%20a"},
                                       {"a ", "a%20"},
                                       {" ", "%20"},
                                       {"  ", "%20%20"},
                                       {"Zo\xc3\xab \xf0\x9f\x8e\x89", "Zo%C3%AB %F0%9F%8E%89"},
                                       {"100%+", "100%25%2B"},
                                       {"a\r\nX: y", "a%0D%0AX: y"},
                                       {std::string{"\0\t\x7f", 3}, "%00%09%7F"},
                                       {"<script>alert(1)</script>", "<script>alert(1)</script>"},
                                       {"\"\\,;=~!", "\"\\,;=~!"}}));
  CAPTURE(value);
  CHECK(encoded(append_percent, value) == expected);
}

TEST_CASE("every byte survives percent encoding in either kind of decoder", "[http][encoding]") {
  std::string all;
  for (unsigned c = 0; c < 256; ++c) {
    all += static_cast<char>(c);
  }
  const std::string text = encoded(append_percent, all);
  CHECK(decoded(text, false) == all);
  CHECK(decoded(text, true) == all);
  for (const char c : text) {
    CHECK((c >= ' ' && c < '\x7f'));
  }
}

TEST_CASE("a display string is written as RFC 9651 has it", "[http][encoding]") {
  CHECK(encoded(append_display_string, "") == "%\"\"");
  CHECK(encoded(append_display_string, "Zo\xc3\xab") == "%\"Zo%c3%ab\"");
  CHECK(encoded(append_display_string, " 50% \"off\" ") == "%\" 50%25 %22off%22 \"");
  CHECK(encoded(append_display_string, "a\n\x7f") == "%\"a%0a%7f\"");
}

TEST_CASE("base64 is padded", "[http][encoding]") {
  const auto [value, expected] = GENERATE(table<std::string, std::string>({{"", ""},
                                                                           {"f", "Zg=="},
                                                                           {"fo", "Zm8="},
                                                                           {"foo", "Zm9v"},
                                                                           {"foob", "Zm9vYg=="},
                                                                           {"fooba", "Zm9vYmE="},
                                                                           {"foobar", "Zm9vYmFy"},
                                                                           {"\xfb\xff", "+/8="}}));
  CHECK(encoded(append_base64, value) == expected);
}

TEST_CASE("raw bytes go out unless one is a control", "[http][encoding]") {
  std::string out = "x";
  CHECK(append_raw(" Zo\xc3\xab ", out));
  CHECK(out == "x Zo\xc3\xab ");
  const std::string bad = GENERATE(std::string{"a\r\nb"}, std::string{"\t"}, std::string{"\x7f"},
                                   std::string{"a\0", 2}, std::string{"\x1f"});
  std::string untouched = "x";
  CHECK_FALSE(append_raw(bad, untouched));
  CHECK(untouched == "x");
}

TEST_CASE("a JSON string is ASCII and reads back as it was", "[http][encoding]") {
  CHECK(encoded(append_json_string, "a\"b\\c/d") == R"("a\"b\\c/d")");
  CHECK(encoded(append_json_string, "\b\f\n\r\t") == R"("\b\f\n\r\t")");
  CHECK(encoded(append_json_string, std::string_view{"\0\x1f\x7f", 3}) ==
        R"("\u0000\u001f\u007f")");
  CHECK(encoded(append_json_string, "Zo\xc3\xab\xe2\x82\xac") == R"("Zo\u00eb\u20ac")");
  CHECK(encoded(append_json_string, "\xf0\x9f\x8e\x89") == R"("\ud83c\udf89")");
  CHECK(encoded(append_json_string, "\xf4\x8f\xbf\xbf") == R"("\udbff\udfff")");
  CHECK(encoded(append_json_string, "a\xff\xc3") == R"("a\ufffd\ufffd")");

  const std::string text = "\x01 \"Zo\xc3\xab\" \xf0\x9f\x8e\x89 \\u0041 \xef\xbf\xbf";
  CHECK(boost::json::parse(encoded(append_json_string, text)).as_string() == text);
}
