#include "http/moved_url.hpp"

#include "support/catch.hpp"

using namespace keepsake;

namespace {

// A visitor at https://shop.test, an application at http://10.0.0.7:8081 behind /api.
Move behind_api() {
  Move move;
  move.client = {true, "shop.test", "/api"};
  move.backend = {false, "shop.test", ""};
  move.server = "10.0.0.7:8081";
  return move;
}

std::string location(std::string_view value, const Move& move) {
  std::string out;
  return move_location(value, move, out) ? out : std::string{value};
}

std::string cookie(std::string_view value, const Move& move) {
  std::string out;
  return move_cookie(value, move, out) ? out : std::string{value};
}

}  // namespace

TEST_CASE("a location follows prefix, scheme and host", "[http][moved]") {
  const auto [value, expected] = GENERATE(table<std::string, std::string>(
      {{"/login", "/api/login"},
       {"/", "/api/"},
       {"/a?b=/c#/d", "/api/a?b=/c#/d"},
       {"/api/x", "/api/api/x"},
       {"http://shop.test/login", "https://shop.test/api/login"},
       {"HTTP://Shop.Test./login", "https://shop.test/api/login"},
       {"http://shop.test:80/login", "https://shop.test/api/login"},
       {"http://shop.test:8081/x/", "https://shop.test/api/x/"},
       {"http://10.0.0.7:8081/login?a#b", "https://shop.test/api/login?a#b"},
       {"http://10.0.0.7:8081", "https://shop.test/api/"},
       {"http://10.0.0.7:8081?a", "https://shop.test/api/?a"},
       {"//shop.test/x", "https://shop.test/api/x"},
       {"https://shop.test/x", "https://shop.test/api/x"}}));
  CAPTURE(value);
  CHECK(location(value, behind_api()) == expected);
}

TEST_CASE("a location that is elsewhere or relative stays", "[http][moved]") {
  for (const char* value :
       {"http://other.test/login", "https://shop.test:8443/x", "http://shop.test:9000/x",
        "http://10.0.0.7/x", "http://shop.test.evil.test/", "http://u@shop.test/", "//other.test/x",
        "login", "../x", "?a", "#b", "", "ftp://shop.test/x", "javascript:alert(1)", "http:/x"}) {
    CAPTURE(value);
    CHECK(location(value, behind_api()) == value);
  }
}

TEST_CASE("a scheme that the backend was not asked in is meant", "[http][moved]") {
  Move move;
  move.client = {false, "shop.test", ""};
  move.backend = {false, "shop.test", ""};
  move.server = "127.0.0.1:8081";
  // Else an application that wants https would be asked for it for ever.
  CHECK(location("https://shop.test/x", move) == "https://shop.test/x");
  move.backend.https = true;
  CHECK(location("https://shop.test/x", move) == "http://shop.test/x");
  CHECK(location("http://shop.test/x", move) == "http://shop.test/x");
}

TEST_CASE("the port of the visitor stays on the location", "[http][moved]") {
  Move move;
  move.client = {true, "shop.test:8443", ""};
  move.backend = {false, "inner.test", ""};
  move.server = "[::1]:8081";
  CHECK(location("http://shop.test:8443/x", move) == "https://shop.test:8443/x");
  CHECK(location("http://shop.test:8081/x", move) == "https://shop.test:8443/x");
  CHECK(location("http://inner.test/x", move) == "https://shop.test:8443/x");
  CHECK(location("http://[0::1]:8081/x", move) == "https://shop.test:8443/x");
  CHECK(location("/x", move) == "/x");
  move.client.authority = {};  // HTTP/1.0 without Host
  CHECK(location("http://inner.test/x", move) == "/x");
}

TEST_CASE("a prefix that was put in front is taken away again", "[http][moved]") {
  Move move = behind_api();
  move.backend.prefix = "/v1";
  CHECK(location("/v1/x", move) == "/api/x");
  CHECK(location("/v1", move) == "/api");
  CHECK(location("/v1?a", move) == "/api?a");
  CHECK(location("/v12/x", move) == "/v12/x");
  move.client.prefix = {};
  CHECK(location("/v1", move) == "/");
  CHECK(location("/v1/x", move) == "/x");
}

TEST_CASE("the path of a cookie follows the prefix and nothing else changes", "[http][moved]") {
  const auto [value, expected] = GENERATE(table<std::string, std::string>(
      {{"a=b; Path=/", "a=b; Path=/api"},
       {"a=b;path=/x;HttpOnly", "a=b;path=/api/x;HttpOnly"},
       {"a=b; HttpOnly; PATH = /x/ ; Secure", "a=b; HttpOnly; PATH =/api/x/; Secure"},
       {"path=/x; Path=/y", "path=/x; Path=/api/y"},
       {"a=b; Path=/; Path=/x", "a=b; Path=/api; Path=/api/x"},
       {"a=b", "a=b"},
       {"a=b; Path", "a=b; Path"},
       {"a=b; Path=", "a=b; Path="},
       {"a=b; Path=x", "a=b; Path=x"},
       {"a=b; Path=\"/\"", "a=b; Path=\"/\""},
       {"__Host-a=b; Secure; Path=/", "__Host-a=b; Secure; Path=/"},
       {"", ""},
       {";Path=/;", ";Path=/api;"}}));
  CAPTURE(value);
  CHECK(cookie(value, behind_api()) == expected);
}

TEST_CASE("the path of a cookie above an added prefix becomes the visitor's whole place",
          "[http][moved]") {
  Move move = behind_api();
  move.backend.prefix = "/v1/app";
  CHECK(cookie("a=b; Path=/", move) == "a=b; Path=/api");
  CHECK(cookie("a=b; Path=/v1", move) == "a=b; Path=/api");
  CHECK(cookie("a=b; Path=/v1/", move) == "a=b; Path=/api");
  CHECK(cookie("a=b; Path=/v1/app", move) == "a=b; Path=/api");
  CHECK(cookie("a=b; Path=/v1/app/x", move) == "a=b; Path=/api/x");
  CHECK(cookie("a=b; Path=/v2", move) == "a=b; Path=/v2");
  move.client.prefix = {};
  CHECK(cookie("a=b; Path=/v1/app", move) == "a=b; Path=/");
}

TEST_CASE("a destination goes the other way", "[http][moved]") {
  std::string out;
  move_destination("/x", "?q", true, {false, "inner:8081", "/v1"}, out);
  CHECK(out == "http://inner:8081/v1/x?q");
  out.clear();
  move_destination("", "", false, {false, "inner", ""}, out);
  CHECK(out == "/");
}
