#include "backend/own_addresses.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/address.hpp>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

// A socket that listens at `ip`, any port.
struct Listening {
  explicit Listening(const char* ip, bool only_v6 = false) {
    const asio::ip::tcp::endpoint at{asio::ip::make_address(ip), 0};
    fd = ::socket(at.data()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = only_v6 ? 1 : 0;
    if (at.address().is_v6()) {
      ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    good = ::bind(fd, at.data(), static_cast<socklen_t>(at.size())) == 0 && ::listen(fd, 1) == 0;
    asio::ip::tcp::endpoint bound;
    socklen_t size = sizeof(sockaddr_in6);
    ::getsockname(fd, bound.data(), &size);
    port = bound.port();
    own.add(fd);
  }
  ~Listening() { ::close(fd); }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

  bool has(const char* ip, int beside = 0) const {
    const auto to = static_cast<std::uint16_t>(port + beside);
    return own.has(Endpoint{asio::ip::tcp::endpoint{asio::ip::make_address(ip), to}});
  }

  int fd = -1;
  bool good = false;
  std::uint16_t port = 0;
  OwnAddresses own;
};

}  // namespace

TEST_CASE("the address and port of a listener are Keepsake's own, others are not",
          "[backend][own]") {
  const Listening at{"127.0.0.1"};
  REQUIRE(at.good);
  CHECK(at.has("127.0.0.1"));
  CHECK(at.has("::ffff:127.0.0.1"));
  CHECK(at.has("0.0.0.0"));
  CHECK_FALSE(at.has("127.0.0.1", 1));
  CHECK_FALSE(at.has("127.0.0.2"));
  CHECK_FALSE(at.has("::1"));
}

TEST_CASE("a listener at every address has all addresses of this host, and no other",
          "[backend][own]") {
  const Listening at{"0.0.0.0"};
  REQUIRE(at.good);
  CHECK(at.has("127.0.0.1"));
  CHECK(at.has("127.8.9.10"));
  CHECK_FALSE(at.has("192.0.2.1"));
  CHECK_FALSE(at.has("::1"));
  CHECK_FALSE(at.has("127.0.0.1", 1));
}

TEST_CASE("a listener at every IPv6 address has the IPv4 ones if it takes them", "[backend][own]") {
  const bool only_v6 = GENERATE(true, false);
  const Listening at{"::", only_v6};
  if (!at.good) {
    SUCCEED("this host has no IPv6");
    return;
  }
  CHECK(at.has("::1"));
  CHECK(at.has("127.0.0.1") == !only_v6);
  CHECK_FALSE(at.has("2001:db8::1"));
}
