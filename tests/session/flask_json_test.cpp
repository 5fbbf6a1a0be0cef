#include "session/flask_json.hpp"

#include "session/support.hpp"
#include "support/catch.hpp"

namespace keepsake {
namespace {

test::Pairs members_of(std::string_view json) {
  JsonObject object;
  REQUIRE(object.scan(json));
  test::Pairs pairs;
  for (const JsonMember& member : object.members()) {
    pairs.emplace_back(object.key(member), object.value(member));
  }
  return pairs;
}

}  // namespace

TEST_CASE("members are found with their values exactly as they are spelt", "[session][flask]") {
  CHECK(members_of(R"({"b":[1, {"x":null}],"a":1e+02})") ==
        test::Pairs{{"a", "1e+02"}, {"b", R"([1, {"x":null}])"}});
  CHECK(members_of(" { \"a\" : \"x\\u00eb\" }\n") == test::Pairs{{"a", "\"x\\u00eb\""}});
  CHECK(members_of(R"({"n":NaN,"i":Infinity,"j":-Infinity,"b":123456789012345678901234567890})") ==
        test::Pairs{{"b", "123456789012345678901234567890"},
                    {"i", "Infinity"},
                    {"j", "-Infinity"},
                    {"n", "NaN"}});
  CHECK(members_of("{}").empty());
  CHECK(members_of("{ }").empty());
}

TEST_CASE("of equal keys the last one counts, however it is spelt", "[session][flask]") {
  CHECK(members_of(R"({"a":1,"b":2,"\u0061":3})") == test::Pairs{{"a", "3"}, {"b", "2"}});
}

TEST_CASE("what Python's json.loads refuses is refused", "[session][flask]") {
  const std::string json = GENERATE(values<std::string>({"",
                                                         " ",
                                                         "[]",
                                                         "null",
                                                         "1",
                                                         "\"x\"",
                                                         "{",
                                                         "}",
                                                         "{}}",
                                                         "{} x",
                                                         "{\"a\"}",
                                                         "{\"a\":}",
                                                         "{\"a\":1,}",
                                                         "{,}",
                                                         "{a:1}",
                                                         "{'a':1}",
                                                         "{\"a\":01}",
                                                         "{\"a\":-}",
                                                         "{\"a\":+1}",
                                                         "{\"a\":.5}",
                                                         "{\"a\":1.}",
                                                         "{\"a\":1e}",
                                                         "{\"a\":1e+}",
                                                         "{\"a\":--1}",
                                                         "{\"a\":0x1}",
                                                         "{\"a\":nul}",
                                                         "{\"a\":nan}",
                                                         "{\"a\":-NaN}",
                                                         "{\"a\":True}",
                                                         "{\"a\":[1,]}",
                                                         "{\"a\":[1}",
                                                         "{\"a\":[,1]}",
                                                         "{\"a\":\"\n\"}",
                                                         "{\"a\":\"\\x\"}",
                                                         "{\"a\":\"\\u12\"}",
                                                         "{\"a\":\"\\u12g4\"}",
                                                         "{\"a\":\"\\u1\"",
                                                         "{\"a\":\"\\",
                                                         "{\"a\":\"x}",
                                                         "{\"a\":1 \"b\":2}",
                                                         "{\"a\":1}{\"b\":2}",
                                                         "{\"a\" 1}",
                                                         "{1:2}"}));
  INFO(json);
  JsonObject object;
  CHECK_FALSE(object.scan(json));
  CHECK(object.members().empty());
}

TEST_CASE("nesting is followed for 100 levels and no further", "[session][flask]") {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  JsonObject object;
  CHECK(object.scan(nested(100)));
  CHECK_FALSE(object.scan(nested(101)));
  CHECK_FALSE(object.scan(nested(30'000)));
}

}  // namespace keepsake
