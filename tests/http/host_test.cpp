#include "http/host.hpp"

#include "base/host_name.hpp"
#include "support/catch.hpp"

using namespace keepsake;

namespace {

std::string folded(std::string_view host) {
  std::string out = "left over";
  fold_host(host, out);
  return out;
}

}  // namespace

TEST_CASE("every form of a host folds to one", "[http][host]") {
  for (const char* host : {"shop.example", "SHOP.Example", "shop.example.", "Shop.Example.",
                           "%73hop.example", "shop%2eexample", "shop.example%2E"}) {
    CAPTURE(host);
    CHECK(folded(host) == "shop.example");
    CHECK(hosts_match(host, "shop.example"));
    CHECK(hosts_match("shop.EXAMPLE.", host));
  }
  for (const char* host : {"[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::0.0.0.1]"}) {
    CAPTURE(host);
    CHECK(folded(host) == "[::1]");
    CHECK(hosts_match(host, "[::1]"));
  }
  CHECK(folded("[2001:DB8::A]") == "[2001:db8::a]");
  CHECK(folded("127.0.0.1") == "127.0.0.1");
  CHECK(folded("a%20b") == "a%20b");
}

TEST_CASE("other hosts stay others", "[http][host]") {
  CHECK_FALSE(hosts_match("shop.example", "shop.example.com"));
  CHECK_FALSE(hosts_match("shop.example", "hop.example"));
  CHECK_FALSE(hosts_match("[::1]", "[::2]"));
  CHECK_FALSE(hosts_match("[::1]", "::1"));
  CHECK_FALSE(hosts_match("a%20b", "a b"));
}

TEST_CASE("a host with an empty label is refused, but for the root at its end", "[http][host]") {
  CHECK(parse_host("a.example.")->host == "a.example.");
  CHECK(parse_host("a.example.:80")->port == "80");
  for (const char* host : {"a..", "a..example", ".", "..", ".:80", "a.example..:80"}) {
    CAPTURE(host);
    CHECK_FALSE(parse_host(host));
  }
}

TEST_CASE("a host with an escaped control byte is refused", "[http][host]") {
  for (const char* host : {"a.example%00", "%00", "a%0d%0a.example", "a%1F:80", "a%7f"}) {
    CAPTURE(host);
    CHECK_FALSE(parse_host(host));
  }
}

TEST_CASE("authorities are the same place with the scheme's port, written or not", "[http][host]") {
  CHECK(authorities_match("a", "a:80", 80));
  CHECK(authorities_match("a:", "A.", 80));
  CHECK(authorities_match("a:0080", "a:80", 443));
  CHECK(authorities_match("a:443", "a", 443));
  CHECK_FALSE(authorities_match("a:443", "a", 80));
  CHECK_FALSE(authorities_match("a:80", "b:80", 80));
  CHECK_FALSE(authorities_match("a:80", "u@a:80", 80));
}

TEST_CASE("only one dot is the root's", "[http][host]") {
  CHECK(without_root_dot("a.") == "a");
  CHECK(without_root_dot("a..") == "a.");
  CHECK(without_root_dot(".") == ".");
  CHECK(without_root_dot("").empty());
}
