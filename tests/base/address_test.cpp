#include "base/address.hpp"

#include "support/catch.hpp"

using namespace keepsake;

namespace {

std::string error_of(std::string_view text) {
  std::string error;
  return parse_socket_address(text, error) ? "none" : error;
}

std::string printed(std::string_view text) {
  std::string error;
  const auto address = parse_socket_address(text, error);
  return address ? address->to_string() : "error: " + error;
}

}  // namespace

TEST_CASE("IP addresses print in their shortest form", "[base][address]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"192.0.2.1", "192.0.2.1"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"fe80::a:b:c:d", "fe80::a:b:c:d"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
  }));
  const auto address = parse_ip(text);
  REQUIRE(address);
  CHECK(address->to_string() == expected);
}

TEST_CASE("what is no IP address is not guessed at", "[base][address]") {
  for (const char* bad : {"",
                          "1",
                          "127.1",
                          "1.2.3",
                          "1.2.3.4.5",
                          "256.0.0.1",
                          "01.2.3.4",
                          "1.2.3.04",
                          " 1.2.3.4",
                          "1.2.3.4 ",
                          "1.2.3.4x",
                          "0x7f.0.0.1",
                          "-1.2.3.4",
                          ":",
                          ":::",
                          "1::2::3",
                          "[::1]",
                          "::1%eth0",
                          "12345::",
                          "::g",
                          "1:2:3:4:5:6:7",
                          "1:2:3:4:5:6:7:8:9",
                          "localhost"}) {
    INFO(bad);
    CHECK_FALSE(parse_ip(bad).has_value());
  }
  CHECK_FALSE(parse_ip(std::string_view{"1.2.3.4\0x", 9}).has_value());
  CHECK_FALSE(parse_ip(std::string(200, '1')).has_value());
}

TEST_CASE("an IPv4 address is the same however it is written", "[base][address]") {
  CHECK(parse_ip("192.0.2.1") == parse_ip("::ffff:192.0.2.1"));
  CHECK(parse_ip("192.0.2.1") == parse_ip("::ffff:c000:201"));
  CHECK(parse_ip("192.0.2.1")->is_v4());
  CHECK_FALSE(parse_ip("::192.0.2.1")->is_v4());
  const std::array<std::uint8_t, 4> bytes{192, 0, 2, 1};
  CHECK(ip_from_v4(bytes) == *parse_ip("192.0.2.1"));
}

TEST_CASE("a block contains what shares its prefix", "[base][address]") {
  const auto [block, address, inside] = GENERATE(table<std::string, std::string, bool>({
      {"10.0.0.0/8", "10.255.255.255", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.0.0.0/8", "9.255.255.255", false},
      {"10.0.0.0/8", "::ffff:10.1.2.3", true},
      {"10.0.0.0/8", "a00::1", false},
      {"192.0.2.128/25", "192.0.2.127", false},
      {"192.0.2.128/25", "192.0.2.200", true},
      {"192.0.2.1/32", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.0", false},
      {"0.0.0.0/0", "203.0.113.7", true},
      {"0.0.0.0/0", "2001:db8::1", false},
      {"::/0", "203.0.113.7", true},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
      {"::1", "::1", true},
      {"::1/128", "::2", false},
      {"::ffff:10.0.0.0/104", "10.9.9.9", true},
  }));
  INFO(block << " " << address);
  const auto cidr = parse_cidr(block);
  REQUIRE(cidr);
  CHECK(cidr->contains(*parse_ip(address)) == inside);
}

TEST_CASE("a block is refused when its prefix does not fit", "[base][address]") {
  for (const char* bad :
       {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8",
        "10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.0/8 ", "10.0.0.1/8", "2001:db8::1/32", "10/8",
        "example.com/8", "192.0.2.129/25", "10.0.0.0/255.0.0.0", "10.0.0.0/999999999999"}) {
    INFO(bad);
    CHECK_FALSE(parse_cidr(bad).has_value());
  }
}

TEST_CASE("socket addresses print as configuration writes them", "[base][address]") {
  for (const char* text :
       {"127.0.0.1:8080", "localhost:0", "[::1]:65535", "[2001:db8::1]:80", "my_app-1.example:8081",
        "unix:/run/app.sock", "example.com.:80", "1a:80"}) {
    CHECK(printed(text) == text);
  }
  CHECK(printed("unix:///run/app.sock") == "unix:/run/app.sock");
}

TEST_CASE("socket addresses are taken apart", "[base][address]") {
  std::string error;
  const auto v6 = parse_socket_address("[::1]:8080", error);
  REQUIRE(v6);
  CHECK(v6->kind == SocketAddress::Kind::Tcp);
  CHECK(v6->host == "::1");
  CHECK(v6->port == 8080);
  const auto unix_socket = parse_socket_address("unix:/run/a:b", error);
  REQUIRE(unix_socket);
  CHECK(unix_socket->kind == SocketAddress::Kind::Unix);
  CHECK(unix_socket->path == "/run/a:b");
  CHECK(unix_socket->host.empty());
}

TEST_CASE("a socket address that is refused says why", "[base][address]") {
  CHECK(error_of("").find("expected host:port") == 0);
  CHECK(error_of("localhost").find("expected host:port") == 0);
  CHECK(error_of(":80").find("the host is missing") == 0);
  CHECK(error_of("::1:80").find("an IPv6 address stands in brackets") == 0);
  CHECK(error_of("[::1]").find("expected [address]:port") == 0);
  CHECK(error_of("[::1]80").find("expected [address]:port") == 0);
  CHECK(error_of("[::1:80").find("expected [address]:port") == 0);
  CHECK(error_of("[127.0.0.1]:80").find("the brackets do not hold") == 0);
  CHECK(error_of("[::g]:80").find("the brackets do not hold") == 0);
  for (const char* host : {"127.0.0.256", "127.1", "1", "1.2.3.4.5", "a..b", ".a", "-a", "a b",
                           "a/b", "a@b", "*", "gr\xC3\xBC\xC3\x9F", "1.2.3.4."}) {
    INFO(host);
    CHECK(error_of(std::string{host} + ":80").find("the host is neither") == 0);
  }
  for (const char* port : {"", "65536", "99999999999", "-1", "+1", "8o", " 80", "80 "}) {
    INFO(port);
    CHECK(error_of("localhost:" + std::string{port}).find("the port is not") == 0);
  }
  CHECK(error_of(std::string(254, 'a') + ":80").find("the host is neither") == 0);
  CHECK(error_of("unix:").find("a unix socket needs an absolute path") == 0);
  CHECK(error_of("unix:run/x").find("a unix socket needs an absolute path") == 0);
  CHECK(error_of("unix://host/x").find("a unix socket needs an absolute path") == 0);
  CHECK(error_of("unix:/").find("the path of a unix socket must name a file") == 0);
  CHECK(error_of("unix:/run/").find("the path of a unix socket must name a file") == 0);
  CHECK(error_of(std::string_view{"unix:/a\0b", 9}).find("the path of a unix socket must name") ==
        0);
  CHECK(error_of("unix:/" + std::string(107, 'a')).find("the path of a unix socket is at most") ==
        0);
  CHECK(error_of("unix:/" + std::string(106, 'a')) == "none");
}
