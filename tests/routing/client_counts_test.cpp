#include "routing/client_counts.hpp"

#include "support/catch.hpp"

using namespace keepsake;

namespace {
IpAddress ip(std::string_view text) {
  return *parse_ip(text);
}
}  // namespace

TEST_CASE("connections are counted by IPv4 address and by IPv6 network of 64 bits", "[server]") {
  ClientCounts counts;
  CHECK(counts.enter(ip("2001:db8:1:2::1"), 2));
  CHECK(counts.enter(ip("2001:db8:1:2:ffff::9"), 2));
  CHECK_FALSE(counts.enter(ip("2001:db8:1:2:3:4:5:6"), 2));
  CHECK(counts.enter(ip("2001:db8:1:3::1"), 2));
  CHECK(counts.enter(ip("192.0.2.1"), 1));
  CHECK_FALSE(counts.enter(ip("192.0.2.1"), 1));
  CHECK(counts.enter(ip("192.0.2.2"), 1));

  counts.leave(ip("2001:db8:1:2:ffff::9"));
  CHECK(counts.enter(ip("2001:db8:1:2::77"), 2));
  CHECK_FALSE(counts.enter(ip("2001:db8:1:2::78"), 2));
}

TEST_CASE("clients cannot know which of them share a place", "[server]") {
  const ClientCounts one;
  const ClientCounts another;
  CHECK(one.place_of(ip("192.0.2.1")) == one.place_of(ip("192.0.2.1")));
  CHECK(one.place_of(ip("192.0.2.1")) != one.place_of(ip("192.0.2.2")));
  CHECK(one.place_of(ip("192.0.2.1")) != another.place_of(ip("192.0.2.1")));
}
