#include "http/date.hpp"

#include <cstdint>
#include <limits>
#include <string>

#include "support/catch.hpp"

using namespace keepsake;

TEST_CASE("a date has the form of RFC 9110", "[http][date]") {
  const auto [time, text] = GENERATE(table<std::int64_t, std::string>(
      {{784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
       {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
       {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
       {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
       {1700000000, "Tue, 14 Nov 2023 22:13:20 GMT"},
       {4102444799, "Thu, 31 Dec 2099 23:59:59 GMT"},
       {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
       {-62135596800, "Mon, 01 Jan 0001 00:00:00 GMT"},
       {std::numeric_limits<std::int64_t>::max(), "Fri, 31 Dec 9999 23:59:59 GMT"},
       {std::numeric_limits<std::int64_t>::min(), "Mon, 01 Jan 0001 00:00:00 GMT"}}));
  std::string out = "Date: ";
  append_http_date(time, out);
  CHECK(out == "Date: " + text);
}
