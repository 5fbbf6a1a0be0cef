#include "http/json_form.hpp"

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
  result.error = read_json_form(body, wanted, result.values);
  return result;
}

// The one value of {"name": TEXT}.
std::string value(const std::string& text) {
  const Read result = read("{\"name\": " + text + "}");
  return result.error == FormError::None ? result.values[0] : "(refused)";
}

FormError error_of(std::string_view body) {
  return read(body).error;
}

}  // namespace

TEST_CASE("only UTF-8 JSON is JSON", "[http][json]") {
  CHECK(is_json_type("application/json"));
  CHECK(is_json_type("Application/JSON; charset=\"UTF-8\""));
  CHECK(is_json_type("application/json;"));
  CHECK_FALSE(is_json_type("application/json; charset=latin1"));
  CHECK_FALSE(is_json_type("application/json; version=1"));
  CHECK_FALSE(is_json_type("application/problem+json"));
  CHECK_FALSE(is_json_type("text/json"));
  CHECK_FALSE(is_json_type(""));
}

TEST_CASE("scalars are taken as their text", "[http][json]") {
  CHECK(value("\"Zo\\u00eb\"") == "Zo\xc3\xab");
  CHECK(value("\"\xf0\x9f\x8d\xaa\"") == "\xf0\x9f\x8d\xaa");
  CHECK(value("\"\\ud83c\\udf6A\"") == "\xf0\x9f\x8d\xaa");
  CHECK(value("\"\\u20AC\"") == "\xe2\x82\xac");
  CHECK(value("\"\\\"\\\\\\/\"") == "\"\\/");
  CHECK(value("\"  \"") == "  ");
  CHECK(value("true") == "true");
  CHECK(value("false") == "false");
  CHECK(value("null").empty());
  CHECK(value("\"\"").empty());
}

TEST_CASE("numbers keep their spelling", "[http][json]") {
  for (const char* number : {"0", "-0", "1", "1.0", "-1.50", "1e5", "1E+05", "1e-5", "0.1",
                             "123456789012345678901234567890"}) {
    CHECK(value(number) == number);
  }
  for (const char* number : {"+1", "01", "-", ".5", "1.", "1e", "1e+", "0x1", "NaN", "Infinity",
                             "-Infinity", "1 2", "1_000", "--1", "00"}) {
    CAPTURE(number);
    CHECK(value(number) == "(refused)");
  }
}

TEST_CASE("only one flat object is a form", "[http][json]") {
  for (const char* body : {"",
                           " ",
                           "[]",
                           "\"name\"",
                           "null",
                           "{",
                           "}",
                           "{\"name\"}",
                           "{\"name\":}",
                           "{\"name\":1",
                           "{\"name\":1,}",
                           "{,\"name\":1}",
                           "{\"name\":1}{}",
                           "{\"name\":1} x",
                           "{name:1}",
                           "{'name':'a'}",
                           "{\"name\":{}}",
                           "{\"name\":[]}",
                           "{\"name\":1,\"other\":[1]}",
                           "{\"name\":1,\"other\":{\"a\":1}}",
                           "{\"name\":True}",
                           "{\"name\":nul}",
                           "{\"name\":\"a}",
                           "{\"name\":\"\\x41\"}",
                           "{\"name\":\"\\u12\"}",
                           "{\"name\":\"\\u12g4\"}",
                           "{\"name\":1;\"b\":2}",
                           "{\"name\"=1}",
                           "/**/{\"name\":1}",
                           "\xef\xbb\xbf{\"name\":1}",
                           "{\"name\":\"a\nb\"}",
                           "{\"name\":\"a\tb\"}",
                           "{\"na\nme\":1}"}) {
    CAPTURE(body);
    CHECK(error_of(body) == FormError::BadJson);
  }
  CHECK(error_of(" \r\n\t{ \"name\" : 1 , \"b\" : 2 } \n") == FormError::None);
  CHECK(read("{}", {}).error == FormError::None);
}

TEST_CASE("a surrogate without its other half is refused anywhere", "[http][json]") {
  for (const char* text : {"\"\\ud83c\"", "\"\\udf6a\"", "\"\\ud83cx\"", "\"\\ud83c\\n\"",
                           "\"\\ud83c\\u0041\"", "\"\\udf6a\\ud83c\"", "\"\\ud83c\\ud83c\""}) {
    CAPTURE(text);
    CHECK(value(text) == "(refused)");
    CHECK(error_of("{\"name\":1,\"other\":" + std::string{text} + "}") == FormError::BadJson);
    CHECK(error_of("{\"name\":1," + std::string{text} + ":1}") == FormError::BadJson);
  }
}

TEST_CASE("invalid UTF-8 is refused anywhere", "[http][json]") {
  for (const char* bytes : {"\x80", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80"}) {
    CHECK(error_of("{\"name\":\"" + std::string{bytes} + "\"}") == FormError::BadUtf8);
    CHECK(error_of("{\"name\":1,\"o\":\"" + std::string{bytes} + "\"}") == FormError::BadUtf8);
  }
}

TEST_CASE("a name stands once, however it is written", "[http][json]") {
  CHECK(error_of("{\"name\":1,\"name\":1}") == FormError::DuplicateName);
  CHECK(error_of("{\"name\":1,\"n\\u0061me\":2}") == FormError::DuplicateName);
  CHECK(error_of("{\"name\":1,\"b\":1,\"b\":1}") == FormError::DuplicateName);
  CHECK(read("{\"n\\u0061me\":\"x\"}").values == std::vector<std::string>{"x"});
}

TEST_CASE("no control character is taken into a session", "[http][json]") {
  CHECK(error_of("{\"name\":\"a\\u0000b\"}") == FormError::Control);
  CHECK(error_of("{\"name\":\"a\\nb\"}") == FormError::Control);
  CHECK(error_of("{\"name\":\"\\u007f\"}") == FormError::Control);
  CHECK(error_of("{\"name\":1,\"other\":\"\\n\"}") == FormError::None);
}

TEST_CASE("the wanted members are found, the others ignored", "[http][json]") {
  const Read both = read("{\"b\":2,\"x\":3,\"a\":\"1\"}", {"a", "b"});
  CHECK(both.error == FormError::None);
  CHECK(both.values == std::vector<std::string>{"1", "2"});
  CHECK(read("{\"a\":1}", {"a", "b"}).error == FormError::MissingField);
  CHECK(read("{\"a\":1}", {"a", "a"}).values == std::vector<std::string>{"1", "1"});
  CHECK(error_of("{}") == FormError::MissingField);
}

TEST_CASE("an object of very many members is refused early", "[http][json]") {
  std::string body = "{\"name\":1";
  for (int i = 0; i < 100'000; ++i) {
    body += ",\"k" + std::to_string(i) + "\":0";
  }
  CHECK(error_of(body + "}") == FormError::TooManyFields);
}
