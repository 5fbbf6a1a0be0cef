#include "http/cookie.hpp"
#include "http/cookie_line.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

// The values of that name, in order; "" for one that no key can have made.
std::vector<std::string> values(const std::vector<std::string_view>& lines, std::string_view name) {
  std::vector<std::string> found;
  for (const std::string_view line : lines) {
    CookieLine cookies{line};
    for (std::string_view part; cookies.next(part);) {
      if (is_cookie_of(part, name)) {
        found.emplace_back(cookie_value(part, name));
      }
    }
  }
  return found;
}

bool mentions_cookie(std::string_view line, std::string_view name) {
  std::string out;
  return append_without_cookie(line, name, out);
}

std::string without(std::string_view line, std::string_view name) {
  std::string out = "Cookie: ";
  append_without_cookie(line, name, out);
  REQUIRE(out.substr(0, 8) == "Cookie: ");
  return out.substr(8);
}

CookieAttributes defaults() {
  CookieAttributes attributes;
  attributes.name = "session";
  attributes.path = "/";
  attributes.same_site = "Lax";
  return attributes;
}

}  // namespace

TEST_CASE("the values of a name are found in order over all lines", "[http][cookie]") {
  CHECK(values({"a=1; session=one;session=two ; b=2", "c=3", "session=three"}, "session") ==
        std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("another name is not ours", "[http][cookie]") {
  const std::string line = GENERATE("", "a=1", "Session=x", "SESSION=x", "session2=x", "xsession=x",
                                    "sessio=n", "=session", "a=session=x", "x-session=y",
                                    "session_=x", "\"session\"=x", "__Host-session=x");
  CAPTURE(line);
  CHECK(values({line}, "session").empty());
  CHECK_FALSE(mentions_cookie(line, "session"));
  CHECK(without(line, "session") == line);
}

TEST_CASE("a value may hold equals signs and any byte but a semicolon", "[http][cookie]") {
  CHECK(values({"session=a=b=="}, "session") == std::vector<std::string>{"a=b=="});
  CHECK(values({"session=Zo\xc3\xab,x\"y"}, "session") ==
        std::vector<std::string>{"Zo\xc3\xab,x\"y"});
}

TEST_CASE("an empty or bare occurrence is seen and taken out and has no value", "[http][cookie]") {
  const std::string line =
      GENERATE("session=", "session", " session ", "session =abc", "session\t=abc");
  CAPTURE(line);
  CHECK(values({line}, "session") == std::vector<std::string>{""});
  CHECK(mentions_cookie(line, "session"));
  CHECK(without(line, "session").empty());
}

TEST_CASE("a cookie's domain covers itself and what is below it, its path likewise",
          "[http][cookie]") {
  CHECK(domain_covers("a.example", "a.example"));
  CHECK(domain_covers("A.example", "b.a.EXAMPLE"));
  for (const char* host : {"", "example", "xa.example", "a.example.org", ".example", "a.exampl"}) {
    CAPTURE(host);
    CHECK_FALSE(domain_covers("a.example", host));
  }
  for (const char* path : {"/app", "/app/", "/app/x"}) {
    CHECK(path_covers("/app", path));
  }
  for (const char* path : {"/", "/ap", "/apple", "/x/app"}) {
    CHECK_FALSE(path_covers("/app", path));
  }
  CHECK(path_covers("/", "/x"));
  CHECK(path_covers("/app/", "/app/x"));
  CHECK_FALSE(path_covers("/app/", "/app"));
}

TEST_CASE("our cookie is taken out and the others stay byte for byte", "[http][cookie]") {
  const auto [line, expected] = GENERATE(table<std::string, std::string>(
      {{"session=x", ""},
       {"session=x;", ""},
       {"; session=x ; ", ""},
       {"session=x; session=y", ""},
       {"a=1; session=x", "a=1"},
       {"session=x; a=1", "a=1"},
       {"session=x;a=1", "a=1"},
       {"session=x;  a=1", "a=1"},
       {"a=1; session=x; b=2", "a=1; b=2"},
       {"a=1;session=x;b=2", "a=1;b=2"},
       {"a=1 ;\tb=2; session=x ;c=3 ", "a=1 ;\tb=2;c=3 "},
       {"a; =b; c=\"d;e\"; session=x; f", "a; =b; c=\"d;e\"; f"},
       {"session=x; a; =b; c=\"d;e\"", "a; =b; c=\"d;e\""},
       {"a=1;; session=x;;b=2", "a=1;;;b=2"},
       {"a=1; session=x;", "a=1;"},
       {"a=Zo\xc3\xab; session=x; b={\"k\":[1,2]}", "a=Zo\xc3\xab; b={\"k\":[1,2]}"},
       {"c=\"d; session=x; e\"", "c=\"d; e\""},
       {"sessionx=1; session=x; xsession=2", "sessionx=1; xsession=2"}}));
  CAPTURE(line);
  CHECK(mentions_cookie(line, "session"));
  CHECK(without(line, "session") == expected);
}

TEST_CASE("a line without our cookie stays as it is", "[http][cookie]") {
  const std::string line =
      GENERATE("a=1", " a=1", "a=1;", ";", " ; ;", "a; =b; c=\"d;e\"", "a=1;b=2;  c=3\t", "");
  CAPTURE(line);
  CHECK_FALSE(mentions_cookie(line, "session"));
  CHECK(without(line, "session") == line);
}

TEST_CASE("case variants of a prefixed name are taken out and never opened", "[http][cookie]") {
  const std::string name = GENERATE("__Host-id", "__Secure-id");
  std::string variant = name;
  variant[3] = static_cast<char>(variant[3] - 'a' + 'A');
  const std::string line = variant + "=evil; a=1";
  CHECK(cookie_name(line.substr(0, line.find(';'))) != name);
  CHECK(mentions_cookie(line, name));
  CHECK(without(line, name) == "a=1");
  CHECK(without("__hOsT-ID=evil", "__Host-id").empty());

  CHECK(values({name + "=good"}, name) == std::vector<std::string>{"good"});
}

TEST_CASE("the plain cookie has the text that everyone relies on", "[http][cookie]") {
  std::string out;
  append_set_cookie(defaults(), "VALUE", out);
  CHECK(out == "session=VALUE; Path=/; HttpOnly; SameSite=Lax");
  out.clear();
  append_clear_cookie(defaults(), out);
  CHECK(
      out ==
      "session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly; SameSite=Lax");
}

TEST_CASE("every attribute is written, and clearing repeats all but the age", "[http][cookie]") {
  CookieAttributes attributes = defaults();
  attributes.name = "__Secure-s";
  attributes.path = "/app";
  attributes.domain = "example.com";
  attributes.max_age = 2678400;
  attributes.secure = true;
  attributes.partitioned = true;
  attributes.same_site = "None";
  const std::string common =
      "; Path=/app; HttpOnly; SameSite=None; Domain=example.com; Secure; Partitioned";
  std::string out;
  append_set_cookie(attributes, "v", out);
  CHECK(out ==
        "__Secure-s=v; Path=/app; HttpOnly; SameSite=None; Domain=example.com; Max-Age=2678400; "
        "Secure; Partitioned");
  out.clear();
  append_clear_cookie(attributes, out);
  CHECK(out == "__Secure-s=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT" + common);
}

TEST_CASE("attributes that are off are absent", "[http][cookie]") {
  CookieAttributes attributes;
  attributes.name = "s";
  attributes.http_only = false;
  std::string out;
  append_set_cookie(attributes, "v", out);
  CHECK(out == "s=v");
}

TEST_CASE("a backend's Set-Cookie for our name is recognised", "[http][cookie]") {
  CHECK(set_cookie_names("session=x; Path=/", "session"));
  CHECK(set_cookie_names("session=", "session"));
  CHECK(set_cookie_names("  session = x", "session"));
  CHECK(set_cookie_names("session", "session"));
  CHECK(set_cookie_names("session; Path=/", "session"));
  CHECK(set_cookie_names("\tsession\t=x", "session"));
  CHECK(set_cookie_names("=session=x", "session"));  // a browser would send back "session=x"
  CHECK(set_cookie_names("__hOst-s=x", "__Host-s"));

  CHECK_FALSE(set_cookie_names("a=session; session=x", "session"));
  CHECK_FALSE(set_cookie_names("Session=x", "session"));
  CHECK_FALSE(set_cookie_names("session2=x", "session"));
  CHECK_FALSE(set_cookie_names("", "session"));
  CHECK_FALSE(set_cookie_names("=", "session"));
  CHECK_FALSE(set_cookie_names("a=1; Path=/session", "session"));
}
