#include "http/target.hpp"

#include <string>

#include "support/catch.hpp"

using namespace keepsake;

TEST_CASE("an origin-form target is split at the first question mark", "[http][target]") {
  const auto target = parse_target("GET", "/a/../b//c%2fd;p=1?x=1&y=?z");
  REQUIRE(target);
  CHECK(target->form == TargetForm::Origin);
  CHECK(target->authority.empty());
  CHECK(target->path == "/a/../b//c%2fd;p=1");
  CHECK(target->query == "x=1&y=?z");
  CHECK(target->origin == "/a/../b//c%2fd;p=1?x=1&y=?z");
}

TEST_CASE("an empty query is forwarded with its question mark", "[http][target]") {
  const auto target = parse_target("GET", "/?");
  REQUIRE(target);
  CHECK(target->path == "/");
  CHECK(target->query.empty());
  CHECK(target->origin == "/?");
}

TEST_CASE("an absolute-form target yields its authority and the origin-form to forward",
          "[http][target]") {
  const auto [raw, authority, path, query, origin] =
      GENERATE(table<std::string, std::string, std::string, std::string, std::string>(
          {{"http://a.example/x?y=1", "a.example", "/x", "y=1", "/x?y=1"},
           {"HTTPS://A.example:8443/", "A.example:8443", "/", "", "/"},
           {"http://[2001:db8::1]:80/p", "[2001:db8::1]:80", "/p", "", "/p"},
           {"http://a.example", "a.example", "/", "", "/"},
           {"http://a.example//x", "a.example", "//x", "", "//x"},
           {"http://a.example?y=1", "a.example", "/", "y=1", "?y=1"},
           {"http://a.example:81?", "a.example:81", "/", "", "?"},
           {"http://a.example?/x?y", "a.example", "/", "/x?y", "?/x?y"}}));
  const auto target = parse_target("GET", raw);
  REQUIRE(target);
  CHECK(target->form == TargetForm::Absolute);
  CHECK(target->authority == authority);
  CHECK(target->path == path);
  CHECK(target->query == query);
  CHECK(target->origin == origin);
  CHECK(target->https == (raw[4] == 'S'));
}

TEST_CASE("an asterisk is for OPTIONS alone", "[http][target]") {
  const auto target = parse_target("OPTIONS", "*");
  REQUIRE(target);
  CHECK(target->form == TargetForm::Asterisk);
  CHECK(target->origin == "*");
  CHECK_FALSE(parse_target("GET", "*"));
  CHECK_FALSE(parse_target("options", "*"));
  CHECK_FALSE(parse_target("OPTIONS", "**"));
}

TEST_CASE("OPTIONS for a whole server is forwarded as an asterisk", "[http][target]") {
  const auto target = parse_target("OPTIONS", "http://a.example:81");
  REQUIRE(target);
  CHECK(target->form == TargetForm::Asterisk);
  CHECK(target->authority == "a.example:81");
  CHECK(target->origin == "*");
  const auto search = parse_target("OPTIONS", "http://a.example:81?x");
  REQUIRE(search);
  CHECK(search->form == TargetForm::Absolute);
  const auto root = parse_target("OPTIONS", "http://a.example:81/");
  REQUIRE(root);
  CHECK(root->form == TargetForm::Absolute);
  CHECK(root->origin == "/");
}

TEST_CASE("a malformed target is refused", "[http][target]") {
  const std::string raw = GENERATE(
      std::string{}, std::string{"x"}, std::string{"a.example/x"}, std::string{"?x"},
      std::string{"a.example:443"}, std::string{"/a b"}, std::string{"/a\tb"}, std::string{"/a#b"},
      std::string{"/#"}, std::string{"/\x7f"}, std::string{"/\x01"}, std::string{"/a\0b", 4},
      std::string{"/\r"}, std::string{"/Zo\xc3\xab"}, std::string{"/\xff"},
      std::string{"ftp://a.example/"}, std::string{"file:///etc/passwd"}, std::string{"http:/x"},
      std::string{"http:///x"}, std::string{"http://"}, std::string{"http://u@a.example/"},
      std::string{"http://u:p@a.example/"}, std::string{"http://a,b/"}, std::string{"http://a:x/"},
      std::string{"http://a:65536/"}, std::string{"http://?x"}, std::string{"http://a?x=1#y"},
      std::string{"httpx://a/"}, std::string{"javascript:alert(1)"});
  CAPTURE(raw);
  CHECK_FALSE(parse_target("GET", raw));
}

TEST_CASE("every single byte in a target is accepted or refused as the table says",
          "[http][target]") {
  for (unsigned c = 0; c < 256; ++c) {
    const std::string raw{'/', static_cast<char>(c)};
    CAPTURE(c);
    CHECK(parse_target("GET", raw).has_value() == (c > 0x20 && c < 0x7f && c != '#'));
  }
}

TEST_CASE("a path that needs no normalising is handed back without a copy", "[http][target]") {
  const std::string path =
      GENERATE("/", "/setName", "//setName", "/setName/", "/a.b/c..d/", "/a/.b", "/a/...", "/a%2fb",
               "/%zz", "/%", "/.well-known/x", "*", "/a%4");
  std::string scratch;
  const auto normal = normalise_path(path, scratch);
  REQUIRE(normal);
  CHECK(*normal == path);
  CHECK(normal->data() == path.data());
}

TEST_CASE("a path is normalised as routes see it", "[http][target]") {
  const auto [path, expected] =
      GENERATE(table<std::string, std::string>({{"/%73etName", "/setName"},
                                                {"/%73%65%74%4E%61%6d%65", "/setName"},
                                                {"/a/../setName", "/setName"},
                                                {"/./setName", "/setName"},
                                                {"/a/%2e%2E/setName", "/setName"},
                                                {"/a/.%2e/setName", "/setName"},
                                                {"/setName/.", "/setName/"},
                                                {"/a/b/..", "/a/"},
                                                {"/a/..", "/"},
                                                {"/.", "/"},
                                                {"/a//../b", "/a/b"},
                                                {"//..", "/"},
                                                {"//../x", "/x"},
                                                {"/a/./b/./c", "/a/b/c"},
                                                {"/%2fa/../b", "/b"},
                                                {"/a%2f..%2fb", "/a%2f..%2fb"},
                                                {"/%41%2D%2e%5f%7E%30", "/A-._~0"},
                                                {"/%252e%252e/x", "/%252e%252e/x"},
                                                {"/%%37", "/%7"},
                                                {"/%2", "/%2"},
                                                {"/%g0/%61", "/%g0/a"},
                                                {"/%C3%AB%61", "/%C3%ABa"},
                                                {"/%00%61", "/%00a"},
                                                {"/a\\..\\b/%61", "/a\\..\\b/a"}}));
  std::string scratch{"left over"};
  CAPTURE(path);
  const auto normal = normalise_path(path, scratch);
  REQUIRE(normal);
  CHECK(*normal == expected);
}

TEST_CASE("a path that leaves the root has no normal form", "[http][target]") {
  const std::string path = GENERATE("/..", "/../", "/../x", "/a/../..", "/a/../../b", "/%2e%2e/x",
                                    "/./..", "/a/b/../../../c", "//../..");
  std::string scratch;
  CAPTURE(path);
  CHECK_FALSE(normalise_path(path, scratch));
}

TEST_CASE("an invalid escape never turns into a decoded one", "[http][target]") {
  // "%%32e" is the text "%2e": a literal percent sign before an escaped digit.
  std::string scratch;
  CHECK(normalise_path("/a/%%32e%%32e/b", scratch) == "/a/%2e%2e/b");
}

TEST_CASE("a host is split from its port", "[http][target][host]") {
  const auto [value, host, port] = GENERATE(table<std::string, std::string, std::string>(
      {{"a.example", "a.example", ""},
       {"A.Example:8080", "A.Example", "8080"},
       {"127.0.0.1:1", "127.0.0.1", "1"},
       {"[::1]", "[::1]", ""},
       {"[2001:db8::1]:443", "[2001:db8::1]", "443"},
       {"a.example:", "a.example", ""},  // the scheme's own (RFC 3986 3.2.3)
       {"[::1]:", "[::1]", ""},
       {"a:65535", "a", "65535"},
       {"a:0", "a", "0"},
       {"my_host~x-1.", "my_host~x-1.", ""},
       {"xn--zo-eja.example", "xn--zo-eja.example", ""},
       {"a%20b", "a%20b", ""},
       {"a;b=(c)!$&'*+", "a;b=(c)!$&'*+", ""}}));
  CAPTURE(value);
  const auto parsed = parse_host(value);
  REQUIRE(parsed);
  CHECK(parsed->host == host);
  CHECK(parsed->port == port);
}

TEST_CASE("what is not one host is refused", "[http][target][host]") {
  const std::string value = GENERATE(
      "", " ", "a b", " a", "a ", "u@a", "u:p@a", "a,b", "a, b", ":80", ":", "a:b", "a:65536",
      "a:000080", "a:-1", "a:+1", "a:80:80", "a:80 ", "::1", "[::1", "[]", "[::1]x", "[::1]80",
      "[127.0.0.1]", "[fe80::1%25eth0]", "[v1.x]", "a/b", "a?b", "a#b", "a\\b", "a\"b", "<a>", "a%",
      "a%2", "a%zz", "Zo\xc3\xab", "a\tb", "a\x7f", "http://a", "{a}", "a|b", "a^b");
  CAPTURE(value);
  CHECK_FALSE(parse_host(value));
}
