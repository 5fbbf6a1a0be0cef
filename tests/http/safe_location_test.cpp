#include "http/safe_location.hpp"

#include "support/catch.hpp"

using namespace keepsake;

TEST_CASE("a path of this host is a safe location", "[http][location]") {
  for (const char* location : {"/", "/a/b?c=d&e=%20", "/a//b", "/%2f%2fevil", "/?next=//evil", "/%",
                               "/%4", "/%C3%A4", "/a%25"}) {
    CAPTURE(location);
    CHECK(is_safe_location(location));
  }
}

TEST_CASE("what a browser could take for another host is no safe location", "[http][location]") {
  for (const char* location : {"",
                               "a",
                               "//evil.example",
                               "/\\evil.example",
                               "\\evil.example",
                               "\\\\evil.example",
                               "https://evil.example/",
                               "javascript:alert(1)",
                               "/a\\b",
                               "/%5cevil.example",
                               "/%5Cevil",
                               "%09//evil.example",
                               "/%09/evil.example",
                               "/\t/evil.example",
                               "\t//evil.example",
                               "/a\r\nSet-Cookie: x=y",
                               "/a%0d%0aSet-Cookie:%20x=y",
                               "/a%0Ab",
                               "/a?b=%00",
                               "/%7f",
                               "/\x7f",
                               "/a b",
                               " /a",
                               "/\xc3\xa4",
                               "?a",
                               "%2f%2fevil.example"}) {
    CAPTURE(location);
    CHECK_FALSE(is_safe_location(location));
  }
}
