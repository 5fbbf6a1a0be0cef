#include "http/cross_site.hpp"

#include <string>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

SiteHints at(std::string_view host) {
  SiteHints hints;
  hints.host = host;
  return hints;
}

}  // namespace

TEST_CASE("Sec-Fetch-Site alone decides where it is present", "[http][cross-site]") {
  const auto [value, refused] =
      GENERATE(table<std::string, bool>({{"same-origin", false},
                                         {"none", false},
                                         {"same-site", true},
                                         {"cross-site", true},
                                         {"", true},
                                         {"Same-Origin", true},
                                         {"same-origin, cross-site", true},
                                         {"anything", true}}));
  SiteHints hints = at("a.example");
  hints.sec_fetch_site = value;
  CAPTURE(value);
  CHECK(cross_site(hints) == refused);
  hints.origin = "https://evil.example";
  CHECK(cross_site(hints) == refused);
}

TEST_CASE("without it the Origin is compared with the host", "[http][cross-site]") {
  const auto [origin, host, refused] = GENERATE(table<std::string, std::string, bool>(
      {{"https://a.example", "a.example", false},
       {"http://a.example", "a.example", false},
       {"HTTPS://A.Example", "a.example", false},
       {"https://a.example", "A.EXAMPLE:443", false},
       {"https://a.example:443", "a.example", false},
       {"http://a.example:80", "a.example", false},
       {"http://a.example:8080", "a.example:8080", false},
       {"http://a.example:08080", "a.example:8080", false},
       {"http://[::1]:8080", "[::1]:8080", false},
       {"http://127.0.0.1:8080", "127.0.0.1:8080", false},
       {"null", "a.example", true},
       {"", "a.example", true},
       {"https://evil.example", "a.example", true},
       {"https://a.example.evil.example", "a.example", true},
       {"https://b.a.example", "a.example", true},
       {"https://a.example:8443", "a.example", true},
       {"https://a.example", "a.example:80", true},
       {"http://a.example", "a.example:443", true},
       {"http://a.example:8080", "a.example:8081", true},
       {"http://127.0.0.1:8080", "localhost:8080", true},
       {"https://a.example/", "a.example", true},
       {"https://a.example https://a.example", "a.example", true},
       {"https://u@a.example", "a.example", true},
       {"a.example", "a.example", true},
       {"chrome-extension://a.example", "a.example", true},
       {"https://", "", true},
       {"https://a.example", "", true}}));
  CAPTURE(origin, host);
  SiteHints hints = at(host);
  hints.origin = origin;
  CHECK(cross_site(hints) == refused);
  hints.referer = "https://a.example/form";  // never asked when there is an Origin
  CHECK(cross_site(hints) == refused);
}

TEST_CASE("without an Origin the Referer is compared with the host", "[http][cross-site]") {
  const auto [referer, refused] =
      GENERATE(table<std::string, bool>({{"https://a.example/form?x=1#y", false},
                                         {"https://a.example", false},
                                         {"http://a.example:80/", false},
                                         {"https://evil.example/a.example", true},
                                         {"https://evil.example?https://a.example/", true},
                                         {"https://a.example@evil.example/", true},
                                         {"https://a.example:1/", true},
                                         {"about:blank", true},
                                         {"", true}}));
  CAPTURE(referer);
  SiteHints hints = at("a.example");
  hints.referer = referer;
  CHECK(cross_site(hints) == refused);
}

TEST_CASE("a request without any hint is not a browser's", "[http][cross-site]") {
  CHECK_FALSE(cross_site(at("a.example")));
  CHECK_FALSE(cross_site(at("")));
}
