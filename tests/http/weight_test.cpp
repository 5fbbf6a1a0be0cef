#include "http/weight.hpp"

#include "support/catch.hpp"

using namespace keepsake;

TEST_CASE("a weight is read in thousandths, and a malformed one is none", "[http]") {
  CHECK(read_weight("") == 1000);
  CHECK(read_weight("level=1") == 1000);
  CHECK(read_weight(" q=0.5") == 500);
  CHECK(read_weight("Q=0.001") == 1);
  CHECK(read_weight("level=1; q=0") == 0);
  CHECK(read_weight("q=0.") == 0);
  CHECK(read_weight("q=1.000") == 1000);
  for (const char* malformed : {"q=", "q=2", "q=1.001", "q=.5", "q=0.1234", "q=0,5", "q=-1"}) {
    CAPTURE(malformed);
    CHECK_FALSE(read_weight(malformed));
  }
}
