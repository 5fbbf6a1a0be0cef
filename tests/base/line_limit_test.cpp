#include "io/line_limit.hpp"

#include "support/catch.hpp"

using namespace keepsake;
using std::chrono::seconds;

TEST_CASE(
    "a kind of warning has so many lines in each span, and the next one counts those left out",
    "[base][log]") {
  LineLimit limit;
  SteadyTime now{seconds{1000}};
  for (std::uint32_t i = 0; i < LineLimit::kLines; ++i) {
    CHECK(limit.admit(now) == 0U);
  }
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(limit.admit(now + LineLimit::kSpan - seconds{1}).has_value());
  }
  now += LineLimit::kSpan;
  CHECK(limit.admit(now) == 5U);
  CHECK(limit.admit(now) == 0U);
}
