#include "http/path_prefix.hpp"

#include "http/target.hpp"
#include "support/catch.hpp"

using namespace keepsake;

namespace {

std::string stripped(std::string_view path, std::string_view prefix) {
  std::string normal_scratch, scratch;
  const auto normal = normalise_path(path, normal_scratch);
  REQUIRE(normal);
  return std::string{strip_prefix(path, *normal, prefix, scratch)};
}

}  // namespace

TEST_CASE("what is left of a path is its own bytes where they mean the same alone",
          "[http][target]") {
  CHECK(stripped("/api/%7Ex", "/api") == "/%7Ex");
  CHECK(stripped("/a%70i/%7Ex", "/api") == "/~x");
  CHECK(stripped("/api/a/../x", "/api") == "/a/../x");
  CHECK(stripped("/api/a/../../api/x", "/api") == "/x");
  CHECK(stripped("/api", "/api").empty());
  CHECK(stripped("/api/", "/api") == "/");
  CHECK(stripped("/apix", "/api") == "/apix");
  CHECK(stripped("/b/api", "/api") == "/b/api");
  CHECK(stripped("/api/v1/x", "/api/v1") == "/x");
  CHECK(stripped("/api/./v1/x", "/api/v1") == "/x");
}

TEST_CASE("a path stays below its prefix in every reading", "[http][target]") {
  for (const char* path : {"", "/", "/a", "/a/..", "/a/../b/..", "/...", "/..a", "/a..", "/.a",
                           "/a%2f..%2fx", "/a/b/%2e%2e/..", "/a\\..", "/%252e%252e/x", "/%2g%2g"}) {
    CAPTURE(path);
    CHECK(stays_below(path));
  }
}

TEST_CASE("a path that climbs out of its prefix in some reading is found", "[http][target]") {
  for (const char* path :
       {"/..", "/../x", "/%2e%2e", "/.%2E/x", "/a/../..", "/./..", "//..", "/a//../..",
        // where an encoded slash, a backslash, or both are slashes
        "/..%2fx", "/..%5cx", "/..\\x", "/a%2f..%2f..", "/a/..%2f..", "/a%2f..\\..",
        // where they are none: one segment, and two levels up
        "/a%2fb/../..", "/a\\b/../..", "/a%2fb/..\\.."}) {
    CAPTURE(path);
    CHECK_FALSE(stays_below(path));
  }
}
