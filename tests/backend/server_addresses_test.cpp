#include "backend/server_addresses.hpp"

#include <boost/asio/ip/address.hpp>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

Endpoint at(unsigned char last) {
  return asio::ip::tcp::endpoint{asio::ip::address_v4{{10, 0, 0, last}}, 80};
}

// The last bytes of the addresses in the order they would be tried.
std::vector<int> order(ServerAddresses& addresses, SteadyTime now) {
  std::vector<int> lasts;
  for (const Endpoint& endpoint : addresses.order(now)) {
    lasts.push_back(
        static_cast<const unsigned char*>(static_cast<const void*>(endpoint.data()))[7]);
  }
  return lasts;
}

using Order = std::vector<int>;
constexpr SteadyTime kNow{std::chrono::hours{1}};
constexpr std::chrono::seconds kWhile{10};

}  // namespace

TEST_CASE("every address has its turn", "[backend][addresses]") {
  ServerAddresses addresses{{at(1), at(2), at(3)}};
  CHECK(order(addresses, kNow) == Order{1, 2, 3});
  CHECK(order(addresses, kNow) == Order{2, 3, 1});
  CHECK(order(addresses, kNow) == Order{3, 1, 2});
  CHECK(order(addresses, kNow) == Order{1, 2, 3});
}

TEST_CASE("an address that failed comes last for a while", "[backend][addresses]") {
  ServerAddresses addresses{{at(1), at(2), at(3)}};
  addresses.failed(at(2), kNow + kWhile);
  CHECK(order(addresses, kNow) == Order{1, 3, 2});
  CHECK(order(addresses, kNow) == Order{3, 1, 2});
  CHECK(order(addresses, kNow + kWhile) == Order{3, 1, 2});
  CHECK(order(addresses, kNow + kWhile) == Order{1, 2, 3});

  addresses.failed(at(1), kNow + kWhile);
  addresses.failed(at(2), kNow + kWhile);
  addresses.failed(at(3), kNow + kWhile);
  CHECK(order(addresses, kNow).size() == 3);
  addresses.worked(at(3));
  CHECK(order(addresses, kNow).front() == 3);
  CHECK(order(addresses, kNow).front() == 3);
}

TEST_CASE("new addresses keep what is known of those that stay", "[backend][addresses]") {
  ServerAddresses addresses{{at(1), at(2)}};
  addresses.failed(at(2), kNow + kWhile);
  addresses.set({at(2), at(3)});
  CHECK_FALSE(addresses.has(at(1)));
  CHECK(addresses.has(at(3)));
  CHECK(order(addresses, kNow) == Order{3, 2});
}

TEST_CASE("a name with very many addresses does not make one request try them all",
          "[backend][addresses]") {
  std::vector<Endpoint> many;
  for (int i = 0; i < 64; ++i) {
    many.push_back(at(static_cast<unsigned char>(i)));
  }
  ServerAddresses addresses{many};
  CHECK(addresses.order(kNow).size() == 8);
}
