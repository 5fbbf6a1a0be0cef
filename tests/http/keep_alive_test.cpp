#include "http/keep_alive.hpp"

#include "support/catch.hpp"

using namespace keepsake;

TEST_CASE("timeout and max of Keep-Alive are read however they are written", "[http][keep_alive]") {
  const std::string_view value =
      GENERATE("timeout=5, max=100", "timeout=5,max=100", "max=100 ,\ttimeout = 5",
               "Timeout=\"5\", MAX=100", "x=y, timeout=5, , max=100, closing");
  CAPTURE(value);
  const KeepAlive said = read_keep_alive(value);
  CHECK(said.timeout == 5);
  CHECK(said.max == 100);
}

TEST_CASE("what is no number says nothing, and the largest number is only large",
          "[http][keep_alive]") {
  for (const std::string_view value : {"", "timeout", "timeout=", "timeout=five", "timeout=-1",
                                       "timeout=5s", "timeout=\"", "timeouts=5", "max"}) {
    CAPTURE(value);
    const KeepAlive said = read_keep_alive(value);
    CHECK(said.timeout == KeepAlive::kUnsaid);
    CHECK(said.max == KeepAlive::kUnsaid);
  }
  CHECK(read_keep_alive("timeout=0, max=0").timeout == 0);
  CHECK(read_keep_alive("timeout=99999999999999999999999").timeout == KeepAlive::kUnsaid - 1);
  CHECK(read_keep_alive("max=4294967295").max == KeepAlive::kUnsaid - 1);
}
