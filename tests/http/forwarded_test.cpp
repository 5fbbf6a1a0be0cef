#include "http/forwarded.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

Hop hop(std::string_view peer, const std::vector<Cidr>& trusted) {
  const IpAddress address = *parse_ip(peer);
  return {address, is_trusted(address, trusted)};
}

std::string client(std::string_view peer, const std::vector<std::string_view>& lines) {
  const std::vector<Cidr> trusted{*parse_cidr("10.0.0.0/8"), *parse_cidr("fd00::/8")};
  return client_address(hop(peer, trusted), trusted, lines).to_string();
}

}  // namespace

TEST_CASE("the last element of a list is what the nearest proxy wrote", "[http][forwarded]") {
  CHECK(last_list_element("https") == "https");
  CHECK(last_list_element("http, https ") == "https");
  CHECK(last_list_element("http,\thttps") == "https");
  CHECK(last_list_element("http,").empty());
  CHECK(last_list_element("").empty());
  CHECK(last_list_element(" , ").empty());
}

TEST_CASE("the proto of the last Forwarded element counts", "[http][forwarded]") {
  const auto [field, proto] = GENERATE(
      table<std::string, std::string>({{"proto=https", "https"},
                                       {"for=192.0.2.1;proto=https;by=203.0.113.43", "https"},
                                       {"for=192.0.2.1; Proto=HTTPS", "HTTPS"},
                                       {"proto=http, proto=https", "https"},
                                       {"for=\"[2001:db8::1]:4711\";proto=\"https\"", "https"},
                                       {"for=\"a,b;proto=http\";proto=https", "https"},
                                       {";;proto=https;", "https"},
                                       {"for=x , ;proto=https", "https"}}));
  CAPTURE(field);
  CHECK(last_forwarded_proto(field) == proto);
}

TEST_CASE("a Forwarded field without a clear proto has none", "[http][forwarded]") {
  const std::string field =
      GENERATE("", "for=192.0.2.1", "proto=https, for=192.0.2.1", "proto=https,", "proto",
               "proto=", "=https", "proto=https proto=http", "proto=https;proto=https",
               "proto=\"https", "proto=\"ht\\tps\"", "proto =https", "proto= https",
               "for=[::1];proto=https", "for=\"x\"y;proto=https", "protos=https");
  CAPTURE(field);
  CHECK_FALSE(last_forwarded_proto(field));
}

TEST_CASE("a proto is http or https, for WebSockets too", "[http][forwarded]") {
  CHECK(proto_is_https("http") == false);
  CHECK(proto_is_https("HTTPS") == true);
  CHECK(proto_is_https("ws") == false);
  CHECK(proto_is_https("wSs") == true);
  for (const char* other : {"", "https ", "h2", "on", "http,https"}) {
    CAPTURE(other);
    CHECK_FALSE(proto_is_https(other));
  }
}

TEST_CASE("a forwarded port is a number from 1 to 65535", "[http][forwarded]") {
  CHECK(forwarded_port("443") == "443");
  CHECK(forwarded_port("65535") == "65535");
  CHECK(forwarded_port("00080") == "80");
  for (const char* other :
       {"", "0", "000", "65536", "655350", "99999999999999999999", "-1", "80 ", "x", "8o"}) {
    CAPTURE(other);
    CHECK(forwarded_port(other).empty());
  }
}

TEST_CASE("a peer without an address is believed by its socket alone", "[http][forwarded]") {
  const std::vector<Cidr> trusted{*parse_cidr("10.0.0.0/8")};
  const std::vector<std::string_view> lines{"6.6.6.6, 203.0.113.1, 10.1.1.1"};
  const std::vector<std::string_view> forwarded{"for=6.6.6.6, for=203.0.113.1"};
  CHECK(client_address({{}, true}, trusted, lines).to_string() == "203.0.113.1");
  CHECK(client_address({{}, false}, trusted, lines) == IpAddress{});
  CHECK(client_address({{}, true}, trusted, {}) == IpAddress{});
  CHECK(forwarded_client_address({{}, true}, trusted, forwarded).to_string() == "203.0.113.1");
  CHECK(forwarded_client_address({{}, false}, trusted, forwarded) == IpAddress{});
}

TEST_CASE("an untrusted peer is the client whatever it claims", "[http][forwarded]") {
  CHECK(client("192.0.2.9", {"203.0.113.1"}) == "192.0.2.9");
  CHECK(client("192.0.2.9", {}) == "192.0.2.9");
}

TEST_CASE("behind trusted proxies the rightmost untrusted address is the client",
          "[http][forwarded]") {
  using Lines = std::vector<std::string_view>;
  const auto [lines, expected] = GENERATE(
      table<Lines, std::string>({{{"203.0.113.1"}, "203.0.113.1"},
                                 {{"6.6.6.6, 203.0.113.1"}, "203.0.113.1"},
                                 {{"6.6.6.6, 203.0.113.1, 10.1.1.1"}, "203.0.113.1"},
                                 {{"6.6.6.6", "203.0.113.1, 10.1.1.1", "10.2.2.2"}, "203.0.113.1"},
                                 {{"203.0.113.1,10.1.1.1,"}, "203.0.113.1"},
                                 {{"203.0.113.1", ""}, "203.0.113.1"},
                                 {{"203.0.113.1", " , "}, "203.0.113.1"},
                                 {{"2001:db8::5, fd00::1"}, "2001:db8::5"},
                                 {{"203.0.113.1:4711"}, "203.0.113.1"},
                                 {{"[2001:db8::5]:4711"}, "2001:db8::5"},
                                 {{"[2001:db8::5]"}, "2001:db8::5"}}));
  CHECK(client("10.0.0.1", lines) == expected);
}

TEST_CASE("all trusted: the leftmost is the client", "[http][forwarded]") {
  CHECK(client("10.0.0.1", {"10.3.3.3, 10.2.2.2"}) == "10.3.3.3");
  CHECK(client("10.0.0.1", {}) == "10.0.0.1");
}

TEST_CASE("reading stops at what is no address", "[http][forwarded]") {
  const std::string junk =
      GENERATE("unknown", "_hidden", "203.0.113", "203.0.113.1:x", "203.0.113.1:", "[2001:db8::5",
               "[2001:db8::5]x", "[2001:db8::5]:", "203.0.113.1 203.0.113.2", "\"203.0.113.1\"",
               "203.0.113.1:123456", "01.2.3.4");
  const std::string line = "203.0.113.1, " + junk + ", 10.2.2.2";
  CAPTURE(line);
  CHECK(client("10.0.0.1", {line}) == "10.2.2.2");
}

TEST_CASE("Forwarded tells the client as X-Forwarded-For does", "[http][forwarded]") {
  using Lines = std::vector<std::string_view>;
  const auto [lines, expected] = GENERATE(table<Lines, std::string>(
      {{Lines{}, "10.0.0.1"},
       {{""}, "10.0.0.1"},
       {{"for=203.0.113.1"}, "203.0.113.1"},
       {{"FOR=\"203.0.113.1:4711\";proto=https"}, "203.0.113.1"},
       {{"proto=https;by=10.9.9.9;for=203.0.113.1"}, "203.0.113.1"},
       {{"for=\"[2001:db8::5]:4711\", for=10.1.1.1"}, "2001:db8::5"},
       {{"for=6.6.6.6, for=203.0.113.1, for=10.1.1.1"}, "203.0.113.1"},
       {{"for=6.6.6.6", "for=203.0.113.1", "for=10.1.1.1, , "}, "203.0.113.1"},
       {{"for=\"6.6.6.6, for=7.7.7.7\", for=203.0.113.1"}, "203.0.113.1"},
       {{"for=10.3.3.3"}, "10.3.3.3"},
       {{"for=203.0.113.1, for=unknown, for=10.2.2.2"}, "10.2.2.2"},
       {{"for=203.0.113.1, proto=https, for=10.2.2.2"}, "10.2.2.2"},
       {{"for=203.0.113.1, for=_hidden"}, "10.0.0.1"},
       {{"for=203.0.113.1", "for=10.1.1.1;for=10.2.2.2"}, "10.0.0.1"},
       {{"for=203.0.113.1", "for=10.1.1.1 for=10.2.2.2"}, "10.0.0.1"},
       {{"for=203.0.113.1", "for=\"10.1.1.1"}, "10.0.0.1"}}));
  CAPTURE(lines);
  const std::vector<Cidr> trusted{*parse_cidr("10.0.0.0/8"), *parse_cidr("fd00::/8")};
  CHECK(forwarded_client_address(hop("10.0.0.1", trusted), trusted, lines).to_string() == expected);
  CHECK(forwarded_client_address(hop("192.0.2.9", trusted), trusted, lines).to_string() ==
        "192.0.2.9");
}

TEST_CASE("a Forwarded line of a thousand hops is read from its end", "[http][forwarded]") {
  const std::vector<Cidr> trusted{*parse_cidr("10.0.0.0/8")};
  std::string line = "for=203.0.113.1";
  for (int i = 0; i < 1000; ++i) {
    line += ", for=10.1.1.1";
  }
  const std::vector<std::string_view> lines{line};
  CHECK(forwarded_client_address(hop("10.0.0.1", trusted), trusted, lines).to_string() ==
        "10.1.1.1");
  line += ", for=203.0.113.2, for=10.1.1.1";
  const std::vector<std::string_view> more{line};
  CHECK(forwarded_client_address(hop("10.0.0.1", trusted), trusted, more).to_string() ==
        "203.0.113.2");
}
