#include "http/prefetch.hpp"

#include <string>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

bool prefetch(const std::string& line) {
  const std::string text = "GET /reset HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n";
  RequestHead head;
  head.reset(100);
  REQUIRE(parse_request_head(text, {}, FieldTable{}, head) == HeadStatus::Ok);
  return is_prefetch(head);
}

}  // namespace

TEST_CASE("a prefetch is known by any header that says so", "[http][prefetch]") {
  const std::string line = GENERATE(
      "Sec-Purpose: prefetch", "Sec-Purpose: prefetch;prerender",
      "sec-purpose: prefetch;anonymous-client-ip", "Purpose: prefetch", "PURPOSE: Prefetch",
      "X-Purpose: preview", "X-Sec-Purpose: prefetch", "Sec_Purpose: prerender",
      "Moz-Purpose: \"prefetch\"", "X-Moz: prefetch", "x-moz: PREFETCH", "Next-Router-Prefetch: 1",
      "next-router-segment-prefetch: /_tree", "X-Middleware-Prefetch: true",
      "X-Prefetch:", "Prefetch: yes", "X-Nuxt-PreFetch: 00");
  CAPTURE(line);
  CHECK(prefetch(line));
}

TEST_CASE("other headers make no prefetch", "[http][prefetch]") {
  const std::string line =
      GENERATE("Accept: prefetch", "Sec-Purpose: speculation", "Purpose:", "X-Moz: load",
               "X-Moz-Other: prefetch", "Purposely: prefetch", "Next-Router-Prefetch: 0",
               "X-Prefetch: False", "X-Prefetch:   false  ", "RSC: 1", "Purpos: prefetch");
  CAPTURE(line);
  CHECK_FALSE(prefetch(line));
}

TEST_CASE("one header of several is enough for a prefetch", "[http][prefetch]") {
  CHECK(prefetch("Purpose: other\r\nPurpose: prefetch"));
  CHECK(prefetch("X-Prefetch: 0\r\nSec-Purpose: prefetch\r\nPurpose: none"));
}
