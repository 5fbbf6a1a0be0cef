#include "config/units.hpp"

#include "support/catch.hpp"

using namespace keepsake;
using std::chrono::milliseconds;

TEST_CASE("durations are a whole number and one unit", "[config][units]") {
  CHECK(parse_duration("250ms") == milliseconds{250});
  CHECK(parse_duration("30s") == milliseconds{30'000});
  CHECK(parse_duration("5m") == milliseconds{300'000});
  CHECK(parse_duration("12h") == milliseconds{43'200'000});
  CHECK(parse_duration("31d") == milliseconds{2'678'400'000});
  CHECK(parse_duration("0s") == milliseconds{0});
  for (const char* bad :
       {"", "s", "30", "-1s", "+1s", "1.5s", "1 s", "1S", "1sec", "1s ", " 1s", "1h30m", "0x1s",
        "99999999999999999999s", "18446744073709551615d", "4000000000d"}) {
    INFO(bad);
    CHECK_FALSE(parse_duration(bad).has_value());
  }
}

TEST_CASE("sizes are a whole number and a binary unit", "[config][units]") {
  CHECK(parse_size("512B") == 512U);
  CHECK(parse_size("16KiB") == 16384U);
  CHECK(parse_size("1MiB") == 1048576U);
  CHECK(parse_size("3GiB") == 3221225472U);
  CHECK(parse_size("1TiB") == 1099511627776U);
  CHECK(parse_size("18446744073709551615B") == 18446744073709551615U);
  for (const char* bad : {"", "B", "512", "1KB", "1kib", "1K", "-1B", "1.5KiB", "1 KiB",
                          "16777216TiB", "18446744073709551616B"}) {
    INFO(bad);
    CHECK_FALSE(parse_size(bad).has_value());
  }
}

TEST_CASE("durations and sizes print in the largest unit that divides them", "[config][units]") {
  for (const char* text : {"250ms", "30s", "5m", "36h", "31d", "0s", "90s", "61m"}) {
    CHECK(format_duration(*parse_duration(text)) == text);
  }
  CHECK(format_duration(milliseconds{24 * 3'600'000}) == "1d");
  for (const char* text : {"512B", "16KiB", "1MiB", "3GiB", "2TiB", "0B", "1025B"}) {
    CHECK(format_size(*parse_size(text)) == text);
  }
}

TEST_CASE("dates are days or instants of RFC 3339", "[config][units]") {
  CHECK(parse_date("1970-01-01") == 0);
  CHECK(parse_date("2023-11-14T22:13:20Z") == 1'700'000'000);
  CHECK(parse_date("2023-11-14t22:13:20z") == 1'700'000'000);
  CHECK(parse_date("2023-11-14 22:13:20Z") == 1'700'000'000);
  CHECK(parse_date("2023-11-15T00:13:20+02:00") == 1'700'000'000);
  CHECK(parse_date("2023-11-14T16:43:20-05:30") == 1'700'000'000);
  CHECK(parse_date("2024-02-29") == 1'709'164'800);
  for (const char* bad :
       {"", "2023", "2023-2-1", "2023-02-29", "2023-13-01", "2023-00-10", "2023-01-32",
        "2023-11-14T22:13:20", "2023-11-14T24:00:00Z", "2023-11-14T22:60:00Z",
        "2023-11-14T22:13:20+25:00", "2023-11-14T22:13:20+01:00x", "2023-11-14Z", "1969-12-31",
        "9999-01-01"}) {
    INFO(bad);
    CHECK_FALSE(parse_date(bad).has_value());
  }
  CHECK(format_date(1'700'000'000) == "2023-11-14T22:13:20Z");
  CHECK(format_date(0) == "1970-01-01T00:00:00Z");
  CHECK(format_date(-1) == "1969-12-31T23:59:59Z");
}
