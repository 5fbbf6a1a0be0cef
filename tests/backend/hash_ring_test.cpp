#include "backend/hash_ring.hpp"

#include <algorithm>
#include <map>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

std::vector<ServerConfig> servers(const std::vector<unsigned>& weights) {
  std::vector<ServerConfig> all;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    ServerConfig& server = all.emplace_back();
    server.url = "http://app-" + std::to_string(i) + ":8080";
    server.weight = weights[i];
  }
  return all;
}

constexpr std::size_t kVisitors = 20'000;

SessionId visitor(std::size_t i) {
  SessionId id{};
  for (std::size_t byte = 0; byte < sizeof i; ++byte) {
    id[byte] = static_cast<std::uint8_t>(i >> (8 * byte));
  }
  return id;
}

// The URL of each visitor's server.
std::vector<std::string> homes(const std::vector<ServerConfig>& all) {
  const HashRing ring{all};
  std::vector<std::string> found;
  for (std::size_t i = 0; i < kVisitors; ++i) {
    found.push_back(all[ring[ring.find(place_of(visitor(i)))].server].url);
  }
  return found;
}

}  // namespace

TEST_CASE("visitors spread over the ring by weight", "[backend][ring]") {
  const auto weights =
      GENERATE(std::vector<unsigned>{1}, std::vector<unsigned>{1, 1},
               std::vector<unsigned>{1, 2, 4}, std::vector<unsigned>(10, 1),
               std::vector<unsigned>{1000, 1000, 500}, std::vector<unsigned>(200, 1000));
  const std::vector<ServerConfig> all = servers(weights);
  std::map<std::string, double> share;
  for (const std::string& home : homes(all)) {
    share[home] += 1.0 / kVisitors;
  }
  double sum = 0;
  for (const unsigned weight : weights) {
    sum += weight;
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double fair = weights[i] / sum;
    CHECK(share[all[i].url] == Approx(fair).epsilon(0.5).margin(0.002));
  }
}

TEST_CASE("a server that is taken away moves only its own visitors", "[backend][ring]") {
  const std::vector<ServerConfig> all = servers({1, 1, 3, 1, 2, 1, 1});
  const std::vector<std::string> before = homes(all);
  for (std::size_t gone = 0; gone < all.size(); ++gone) {
    std::vector<ServerConfig> rest = all;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(gone));
    const std::vector<std::string> after = homes(rest);
    std::size_t moved = 0, others = 0;
    for (std::size_t i = 0; i < kVisitors; ++i) {
      moved += before[i] == all[gone].url ? 1U : 0U;
      others += before[i] != all[gone].url && before[i] != after[i] ? 1U : 0U;
    }
    CHECK(moved > 0);
    CHECK(others == 0);
  }
}

TEST_CASE("the order in which servers are written does not matter", "[backend][ring]") {
  std::vector<ServerConfig> all = servers({1, 2, 1, 5});
  const std::vector<std::string> before = homes(all);
  std::reverse(all.begin(), all.end());
  CHECK(homes(all) == before);
}

TEST_CASE("where a session stands is the same on every machine and in every version",
          "[backend][ring]") {
  // A promise: replicas of two versions run side by side during an upgrade.
  const SessionId id{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  CHECK(place_of(id) == 0xb0e0d09b497e900eU);
  CHECK(hash_url("http://127.0.0.1:8081") == 0x15888cef743b77d1U);
  const std::vector<ServerConfig> all = servers({1, 1, 1});
  std::string sequence;
  const HashRing ring{all};
  for (std::size_t i = 0; i < 24; ++i) {
    sequence += std::to_string(ring[ring.find(place_of(visitor(i)))].server);
  }
  CHECK(sequence == "000102221212021002002120");
}

TEST_CASE("finding agrees with looking at every point", "[backend][ring]") {
  const std::vector<ServerConfig> all = servers({1, 1});
  const HashRing ring{all};
  std::vector<std::uint64_t> places{0, 1, ~std::uint64_t{0}};
  for (std::size_t i = 0; i < ring.size(); ++i) {
    places.insert(places.end(), {ring[i].place - 1, ring[i].place, ring[i].place + 1});
  }
  for (const std::uint64_t place : places) {
    std::size_t expected = 0;
    while (expected < ring.size() && ring[expected].place < place) {
      ++expected;
    }
    REQUIRE(ring.find(place) == expected % ring.size());
  }
}
