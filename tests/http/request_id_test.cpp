#include "http/request_id.hpp"

#include <numeric>
#include <string>

#include "support/catch.hpp"

using namespace keepsake;

TEST_CASE("a request id is 32 lower-case digits", "[http][request-id]") {
  std::array<std::uint8_t, 16> bytes{};
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0xF5});
  std::string out = "x";
  append_request_id(bytes, out);
  CHECK(out == "xf5f6f7f8f9fafbfcfdfeff0001020304");
  CHECK(valid_request_id(out));
}

TEST_CASE("only a short id of safe characters is kept", "[http][request-id]") {
  CHECK(valid_request_id("a"));
  CHECK(valid_request_id("Root-1.2_3-abc"));
  CHECK(valid_request_id(std::string(128, 'a')));
  CHECK_FALSE(valid_request_id(""));
  CHECK_FALSE(valid_request_id(std::string(129, 'a')));
  const std::string bad =
      GENERATE("a b", "a,b", "a;b", "a\"b", "a=b", "a/b", "<a>", "Zo\xc3\xab", "a\t");
  CAPTURE(bad);
  CHECK_FALSE(valid_request_id(bad));
}

TEST_CASE("a traceparent reads back as it was written", "[http][request-id]") {
  const std::string text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const auto trace = parse_traceparent(text);
  REQUIRE(trace);
  CHECK(trace->trace_id[0] == 0x4b);
  CHECK(trace->trace_id[15] == 0x36);
  CHECK(trace->parent_id[7] == 0xb7);
  CHECK(trace->flags == 1);
  std::string out;
  append_traceparent(*trace, out);
  CHECK(out == text);
}

TEST_CASE("a later traceparent version is read as far as it is known", "[http][request-id]") {
  const std::string known = "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-09";
  CHECK(parse_traceparent("cc" + known));
  CHECK(parse_traceparent("cc" + known + "-what-the-future-holds"));
  CHECK_FALSE(parse_traceparent("cc" + known + ".x"));
  CHECK_FALSE(parse_traceparent("00" + known + "-x"));
  CHECK_FALSE(parse_traceparent("ff" + known));
}

TEST_CASE("a malformed traceparent is dropped", "[http][request-id]") {
  const std::string field =
      GENERATE("", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
               "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
               "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
               "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
               "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
               "00-4bf92f3577b34da6a3ce929d0e0e473x-00f067aa0ba902b7-01",
               "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
               "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-xx",
               "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ");
  CAPTURE(field);
  CHECK_FALSE(parse_traceparent(field));
}
