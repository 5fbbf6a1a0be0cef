// Who the client is when trusted proxies stand before Keepsake: the access log says it.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

// The client's field of the one line that a request with `lines` leaves in the access log.
std::string logged_client(std::string_view settings, std::string_view lines) {
  Backend backend;
  Proxy proxy{backend, settings};
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n" + std::string{lines} + "\r\n");
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  client.read_response();
  proxy.wait_until("the line is there", [&] { return proxy.access_log().ends_with("\n"); });
  const std::string line = proxy.access_log();
  return line.substr(0, line.find(' '));
}

constexpr std::string_view kTrusting = "trusted_proxies: [127.0.0.0/8, 10.0.0.0/8]\n";

}  // namespace

TEST_CASE("the access log names the client that trusted proxies tell of", "[wire][client]") {
  const auto [lines, expected] = GENERATE(table<std::string, std::string>({
      {"", "127.0.0.1"},
      {"X-Forwarded-For: 203.0.113.1\r\n", "203.0.113.1"},
      {"X-Forwarded-For: 6.6.6.6, 203.0.113.1, 10.1.1.1\r\n", "203.0.113.1"},
      {"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 203.0.113.1\r\n", "203.0.113.1"},
      {"X-Forwarded-For: 2001:db8:0:0::5\r\n", "2001:db8::5"},
      {"X-Forwarded-For: nonsense\r\n", "127.0.0.1"},
      {"X_Forwarded_For: 203.0.113.1\r\n", "127.0.0.1"},
      {"Forwarded: for=203.0.113.1;proto=https\r\n", "203.0.113.1"},
      {"Forwarded: for=\"[2001:db8::5]:4711\", for=10.1.1.1\r\n", "2001:db8::5"},
      {"Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 203.0.113.1\r\n", "203.0.113.1"},
  }));
  CAPTURE(lines);
  CHECK(logged_client(kTrusting, lines) == expected);
}

TEST_CASE("a client that nobody trusts cannot choose what the access log says of it",
          "[wire][client]") {
  CHECK(logged_client("", "X-Forwarded-For: 203.0.113.1\r\nForwarded: for=203.0.113.1\r\n") ==
        "127.0.0.1");
}

TEST_CASE("of very many X-Forwarded-For lines the last ones count", "[wire][client]") {
  std::string lines;
  for (int i = 0; i < 60; ++i) {
    lines += "X-Forwarded-For: 6.6.6.6\r\n";
  }
  CHECK(logged_client(kTrusting, lines + "X-Forwarded-For: 203.0.113.1\r\n") == "203.0.113.1");
  std::string trusted = lines;
  for (int i = 0; i < 16; ++i) {
    trusted += "X-Forwarded-For: 10.1.1.1\r\n";
  }
  CHECK(logged_client(kTrusting, trusted) == "10.1.1.1");
}
