#include "http/cross_site.hpp"

#include <string>
#include <vector>

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
  hints.referer = "https://a.example/form";  // never asked when there is an Origin that says where
  CHECK(cross_site(hints) == (refused && origin != "null"));
}

TEST_CASE("a page that hides its origin passes by a Referer of the same site",
          "[http][cross-site]") {
  SiteHints hints = at("a.example");
  hints.origin = "null";
  CHECK(cross_site(hints));
  hints.referer = "https://a.example/form";
  CHECK_FALSE(cross_site(hints));
  hints.referer = "https://evil.example/a.example";
  CHECK(cross_site(hints));
  hints.referer = "";
  CHECK(cross_site(hints));
  hints.referer = "https://a.example/form";
  hints.sec_fetch_site = "cross-site";
  CHECK(cross_site(hints));
}

TEST_CASE("a host is the same with one trailing dot", "[http][cross-site]") {
  SiteHints hints = at("a.example.");
  hints.origin = "https://a.example";
  CHECK_FALSE(cross_site(hints));
  hints.host = "a.example";
  hints.origin = "https://A.EXAMPLE.";
  CHECK_FALSE(cross_site(hints));
  hints.origin = "https://a.example..";
  CHECK(cross_site(hints));
}

TEST_CASE("a host is the same with escapes, and an IPv6 address in any spelling",
          "[http][cross-site]") {
  SiteHints hints = at("%61.example");
  hints.origin = "https://a.example";
  CHECK_FALSE(cross_site(hints));
  hints.host = "[2001:DB8:0:0::1]";
  hints.origin = "http://[2001:db8::1]";
  CHECK_FALSE(cross_site(hints));
  hints.origin = "http://[2001:db8::2]";
  CHECK(cross_site(hints));
}

TEST_CASE("a forwarded port stands in place of the host's", "[http][cross-site]") {
  const auto [origin, host, port, refused] =
      GENERATE(table<std::string, std::string, std::string, bool>(
          {{"http://a.example:8080", "a.example", "8080", false},
           {"http://a.example:8080", "a.example:9000", "8080", false},
           {"https://a.example", "a.example", "443", false},
           {"https://a.example", "a.example:8443", "443", false},
           {"http://a.example", "a.example", "80", false},
           {"http://a.example", "a.example", "443", true},
           {"http://a.example:8080", "a.example:8080", "80", true},
           {"http://b.example:8080", "a.example", "8080", true}}));
  CAPTURE(origin, host, port);
  SiteHints hints = at(host);
  hints.port = port;
  hints.origin = origin;
  CHECK(cross_site(hints) == refused);
}

TEST_CASE("over https a port that is not stated is 443", "[http][cross-site]") {
  SiteHints hints = at("a.example");
  hints.https = true;
  hints.origin = "https://a.example";
  CHECK_FALSE(cross_site(hints));
  hints.origin = "http://a.example";
  CHECK(cross_site(hints));
  hints.origin.reset();
  hints.referer = "http://a.example/form";
  CHECK(cross_site(hints));
}

TEST_CASE("an origin that is trusted passes as a whole", "[http][cross-site]") {
  const std::vector<std::string> trusted{"https://www.example.com", "http://App.example:8080"};
  const auto [origin, refused] = GENERATE(table<std::string, bool>({
      {"https://www.example.com", false},
      {"https://www.example.com:443", false},
      {"HTTPS://WWW.example.com.", false},
      {"http://app.example:8080", false},
      {"http://www.example.com", true},
      {"https://www.example.com:8443", true},
      {"https://example.com", true},
      {"https://x.www.example.com", true},
      {"https://www.example.com/", true},
      {"https://www.example.com, https://evil.example", true},
      {"https://app.example:8080", true},
      {"null", true},
      {"", true},
  }));
  CAPTURE(origin);
  SiteHints hints = at("a.example");
  hints.origin = origin;
  CHECK(cross_site(hints, trusted) == refused);
  for (const char* site : {"cross-site", "same-site"}) {
    hints.sec_fetch_site = site;
    CHECK(cross_site(hints, trusted) == refused);
  }
  // The address of a page is not its origin.
  SiteHints by_referer = at("a.example");
  by_referer.referer = "https://www.example.com/form";
  CHECK(cross_site(by_referer, trusted));
  by_referer.origin = "null";
  CHECK(cross_site(by_referer, trusted));
}

TEST_CASE("a refusal can name both sides and repeats nothing else", "[http][cross-site]") {
  SiteHints hints = at("A.example:8080");
  hints.origin = "http://evil.example:81";
  CHECK(page_of(hints) == "http://evil.example:81");
  CHECK(site_of(hints) == "A.example:8080");
  hints.https = true;
  hints.host = "a.example:443";
  hints.origin = "https://evil.example:443";
  CHECK(page_of(hints) == "https://evil.example");
  CHECK(site_of(hints) == "https://a.example");
  hints.port = "8443";
  CHECK(site_of(hints) == "https://a.example:8443");
  hints.origin = "https://<script>";
  CHECK(page_of(hints) == "a page of another site");
  hints.origin = "null";
  CHECK(page_of(hints) == "a page that hides its address (Origin: null)");
  hints.origin.reset();
  hints.referer = "https://evil.example/secret?token=1";
  CHECK(page_of(hints) == "https://evil.example");
  hints.referer.reset();
  CHECK(page_of(hints) == "a page of another site");
  hints.host = "";
  CHECK(site_of(hints) == "an address without a host");
  const std::string long_origin = "https://" + std::string(5000, 'x');
  hints.origin = long_origin;
  CHECK(page_of(hints).size() < 300);
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

TEST_CASE("a page of this site is told by its Referer", "[http][cross-site]") {
  const auto page = [](std::string_view host, std::string_view referer) {
    SiteHints hints = at(host);
    hints.referer = referer;
    return std::string{own_page(hints)};
  };
  CHECK(page("a.example", "http://a.example/x/y?q=1") == "/x/y?q=1");
  CHECK(page("a.example", "https://A.example./x#y") == "/x");
  CHECK(page("a.example:8080", "http://a.example:8080") == "/");
  CHECK(page("a.example", "http://a.example//evil.example") == "//evil.example");  // not safe
  CHECK(page("a.example", "http://a.example?q") == "?q");                          // not safe
  for (const char* referer :
       {"", "null", "/x", "//a.example/x", "http://b.example/x", "http://a.example:81/x",
        "http://a.example.evil/x", "http://a.example@evil/x", "ftp://a.example/x", "about:blank"}) {
    CAPTURE(referer);
    CHECK(page("a.example", referer).empty());
  }
  CHECK(own_page(at("a.example")).empty());
}
