#include "http/form.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

struct Read {
  FormError error;
  std::vector<std::string> values;
};

Read read(std::string_view body, const std::vector<std::string_view>& wanted = {"name"}) {
  Read result;
  result.error = read_form(body, wanted, result.values);
  return result;
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) {
    out += text;
  }
  return out;
}

}  // namespace

TEST_CASE("only a UTF-8 form is a form", "[http][form]") {
  CHECK(is_form_type("application/x-www-form-urlencoded"));
  CHECK(is_form_type("Application/X-WWW-Form-Urlencoded"));
  CHECK(is_form_type("application/x-www-form-urlencoded; charset=UTF-8"));
  CHECK(is_form_type("application/x-www-form-urlencoded;charset=utf-8"));
  CHECK(is_form_type("application/x-www-form-urlencoded ; charset=\"utf-8\" "));
  CHECK(is_form_type("application/x-www-form-urlencoded;"));

  CHECK_FALSE(is_form_type(""));
  CHECK_FALSE(is_form_type("application/json"));
  CHECK_FALSE(is_form_type("multipart/form-data; boundary=x"));
  CHECK_FALSE(is_form_type("text/plain"));
  CHECK_FALSE(is_form_type("application/x-www-form-urlencoded; charset=iso-8859-1"));
  CHECK_FALSE(is_form_type("application/x-www-form-urlencoded; charset"));
  CHECK_FALSE(is_form_type("application/x-www-form-urlencoded; charset=utf-8; charset=utf-8"));
  CHECK_FALSE(is_form_type("application/x-www-form-urlencoded; boundary=x"));
  CHECK_FALSE(is_form_type("application/x-www-form-urlencoded, application/json"));
  CHECK_FALSE(is_form_type("application/x-www-form-urlencoded-not"));
  CHECK_FALSE(is_form_type("application/x-www-form-urlencoded charset=utf-8"));
}

TEST_CASE("a field's value is decoded and not trimmed", "[http][form]") {
  const auto [body, expected] =
      GENERATE(table<std::string, std::string>({{"name=Bob", "Bob"},
                                                {"name=Bob+B", "Bob B"},
                                                {"name=%20Bob%20", " Bob "},
                                                {"name=+++", "   "},
                                                {"name=Zo%C3%AB", "Zo\xc3\xab"},
                                                {"name=Zo\xc3\xab", "Zo\xc3\xab"},
                                                {"name=%F0%9F%8E%89", "\xf0\x9f\x8e\x89"},
                                                {"name=a%26b%3Dc%25%2B", "a&b=c%+"},
                                                {"name=a=b=c", "a=b=c"},
                                                {"name=", ""},
                                                {"name", ""},
                                                {"n%61me=x", "x"},
                                                {"&&name=x&&", "x"},
                                                {"name=x;y", "x;y"},
                                                {"other=1&name=2&name=3", "2"},
                                                {"name=2&name=%zz", "2"},
                                                {"name=<script>", "<script>"},
                                                {"name=%c2%80", "\xc2\x80"}}));
  CAPTURE(body);
  const Read result = read(body);
  CHECK(result.error == FormError::None);
  REQUIRE(result.values.size() == 1);
  CHECK(result.values[0] == expected);
}

TEST_CASE("an unreadable value is refused with its reason", "[http][form]") {
  const auto [body, error] = GENERATE(table<std::string, FormError>(
      {{"name=%", FormError::BadEscape},       {"name=%4", FormError::BadEscape},
       {"name=%4&x=1", FormError::BadEscape},  {"name=%zz", FormError::BadEscape},
       {"name=%u0041", FormError::BadEscape},  {"name=%ff", FormError::BadUtf8},
       {"name=%c3", FormError::BadUtf8},       {"name=%c0%80", FormError::BadUtf8},
       {"name=%ed%a0%80", FormError::BadUtf8}, {"name=%f4%90%80%80", FormError::BadUtf8},
       {"name=a\xff", FormError::BadUtf8},     {"name=a%0d%0aX:+y", FormError::Control},
       {"name=%00", FormError::Control},       {"name=%09", FormError::Control},
       {"name=%7f", FormError::Control},       {"name=a\nb", FormError::Control},
       {"", FormError::MissingField},          {"&", FormError::MissingField},
       {"Name=x", FormError::MissingField},    {"name2=x", FormError::MissingField},
       {"=x", FormError::MissingField},        {"na%6dx=%zz", FormError::MissingField}}));
  CAPTURE(body);
  CHECK(read(body).error == error);
  CHECK(describe(error).size() > 10);
}

TEST_CASE("fields that nobody asked for may hold anything", "[http][form]") {
  const Read result = read("notes=a%0d%0ab&bad=%zz&b%zz=1&raw=%ff&name=x");
  CHECK(result.error == FormError::None);
  CHECK(result.values == std::vector<std::string>{"x"});
}

TEST_CASE("several wanted fields come back in the order asked for", "[http][form]") {
  const Read result = read("b=2&a=1&c=3&a=9", {"a", "b", "a"});
  CHECK(result.error == FormError::None);
  CHECK(result.values == std::vector<std::string>{"1", "2", "1"});
  CHECK(read("a=1", {"a", "b"}).error == FormError::MissingField);
}

TEST_CASE("the number of fields is bounded", "[http][form]") {
  CHECK(read("name=x&" + repeat("a=1&", kMaxFormFields - 1)).error == FormError::None);
  CHECK(read("name=x&" + repeat("a=1&", kMaxFormFields)).error == FormError::TooManyFields);
}

TEST_CASE("pairs are read in order with their duplicates", "[http][form]") {
  std::vector<FormPair> pairs;
  CHECK(read_pairs("a=1&b=Zo%C3%AB+x&a=&c=%3D", pairs) == FormError::None);
  CHECK(pairs == std::vector<FormPair>{{"a", "1"}, {"b", "Zo\xc3\xab x"}, {"a", ""}, {"c", "="}});
  pairs.clear();
  CHECK(read_pairs("", pairs) == FormError::None);
  CHECK(pairs.empty());
}

TEST_CASE("a malformed pair is refused", "[http][form]") {
  std::vector<FormPair> pairs;
  CHECK(read_pairs("a", pairs) == FormError::MissingField);
  CHECK(read_pairs("=1", pairs) == FormError::MissingField);
  CHECK(read_pairs("a=%", pairs) == FormError::BadEscape);
  CHECK(read_pairs("%=1", pairs) == FormError::BadEscape);
  CHECK(read_pairs("a=%ff", pairs) == FormError::BadUtf8);
  CHECK(read_pairs("%0a=1", pairs) == FormError::Control);
  CHECK(read_pairs(repeat("a=1&", kMaxFormFields + 1), pairs) == FormError::TooManyFields);
}

TEST_CASE("UTF-8 is judged as RFC 3629 has it", "[http][form][utf8]") {
  const auto [text, valid] =
      GENERATE(table<std::string, bool>({{"", true},
                                         {"plain", true},
                                         {std::string{"\0", 1}, true},
                                         {"\x7f", true},
                                         {"\xc2\x80", true},
                                         {"\xdf\xbf", true},
                                         {"\xe0\xa0\x80", true},
                                         {"\xed\x9f\xbf", true},
                                         {"\xee\x80\x80", true},
                                         {"\xef\xbf\xbf", true},
                                         {"\xf0\x90\x80\x80", true},
                                         {"\xf4\x8f\xbf\xbf", true},
                                         {"\x80", false},
                                         {"\xbf", false},
                                         {"\xc0\xaf", false},
                                         {"\xc1\xbf", false},
                                         {"\xc2", false},
                                         {"\xc2x", false},
                                         {"\xc2\xc2", false},
                                         {"\xe0\x9f\xbf", false},
                                         {"\xe0\xa0", false},
                                         {"\xed\xa0\x80", false},
                                         {"\xed\xbf\xbf", false},
                                         {"\xf0\x8f\xbf\xbf", false},
                                         {"\xf0\x90\x80", false},
                                         {"\xf4\x90\x80\x80", false},
                                         {"\xf5\x80\x80\x80", false},
                                         {"\xff", false},
                                         {"ok\xe2\x82\xac ok\xe2\x82", false}}));
  CAPTURE(text);
  CHECK(valid_utf8(text) == valid);
}

TEST_CASE("a session holds UTF-8 without controls", "[http][form][utf8]") {
  CHECK(storable_text("Zo\xc3\xab \xf0\x9f\x8e\x89"));
  CHECK(storable_text(""));
  CHECK(storable_text("\xc2\x85"));
  CHECK_FALSE(storable_text("a\tb"));
  CHECK_FALSE(storable_text("a\nb"));
  CHECK_FALSE(storable_text(std::string_view{"\0", 1}));
  CHECK_FALSE(storable_text("\x7f"));
  CHECK_FALSE(storable_text("\xff"));
}
