// Which server is chosen, with pools that never connect: tables of every policy.

#include "backend/balancer.hpp"

#include <map>

#include "backend/backend_book.hpp"
#include "support/catch.hpp"

using namespace keepsake;

namespace {

constexpr SteadyTime kNow{std::chrono::hours{1}};

struct World {
  World(
      Balance balance, const std::vector<unsigned>& weights,
      const std::function<void(BackendConfig&)>& change = [](BackendConfig&) {}) {
    config.name = "app";
    config.balance = balance;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      ServerConfig& server = config.servers.emplace_back();
      server.url = "http://127.0.0.1:" + std::to_string(9000 + i);
      server.address.host = "127.0.0.1";
      server.weight = weights[i];
    }
    change(config);
    streams.sweep(kNow, Millis{0});
    load = std::make_shared<BackendLoad>(io, book.queue("app"));
    for (const ServerConfig& server : config.servers) {
      pools.push_back(std::make_shared<ServerPool>(
          PoolContext{io, streams, buffers, metrics, changes}, config, server,
          PoolShares{book.figures(this, "app", server.url), book.load("app", server.url), load}));
    }
    const auto ring = balance == Balance::SessionHash
                          ? std::make_shared<const HashRing>(config.servers)
                          : nullptr;
    balancer = std::make_unique<Balancer>(config, pools, ring, load, random, changes);
  }
  ~World() { held.clear(); }

  // The index of the chosen server; its slot is released at once.
  int choose(std::optional<std::uint64_t> place = {}, const Tried& tried = {}) {
    const Choice choice = balancer->choose(place, tried);
    return choice.verdict == Choice::Verdict::Server ? index(choice.slot.pool()) : -1;
  }
  // The same, and the slot stays.
  int occupy(std::optional<std::uint64_t> place = {}) {
    Choice choice = balancer->choose(place, {});
    if (choice.verdict != Choice::Verdict::Server) {
      return -1;
    }
    const int chosen = index(choice.slot.pool());
    held.push_back(std::move(choice.slot));
    return chosen;
  }
  int index(const ServerPool& pool) const {
    for (std::size_t i = 0; i < pools.size(); ++i) {
      if (pools[i].get() == &pool) {
        return static_cast<int>(i);
      }
    }
    return -1;
  }
  std::vector<double> shares(int choices) {
    std::vector<double> share(pools.size());
    for (int i = 0; i < choices; ++i) {
      share[static_cast<std::size_t>(choose())] += 1.0 / choices;
    }
    return share;
  }

  BackendConfig config;
  asio::io_context io;
  StreamList streams;
  BufferPool buffers{1024, 1};
  Metrics metrics;
  Random random;
  std::uint64_t changes = 0;
  BackendBook book;
  std::shared_ptr<BackendLoad> load;
  std::vector<std::shared_ptr<ServerPool>> pools;
  std::unique_ptr<Balancer> balancer;
  std::vector<Slot> held;
};

using Indices = std::vector<int>;

Indices choices(World& world, int n) {
  Indices chosen;
  for (int i = 0; i < n; ++i) {
    chosen.push_back(world.choose());
  }
  return chosen;
}

std::uint64_t place(std::uint64_t visitor) {
  return mix64(visitor + 1);
}

}  // namespace

TEST_CASE("round_robin takes turns by weight", "[backend][balance]") {
  World even{Balance::RoundRobin, {1, 1, 1}};
  CHECK(choices(even, 7) == Indices{0, 1, 2, 0, 1, 2, 0});
  World weighted{Balance::RoundRobin, {2, 1}};
  CHECK(choices(weighted, 6) == Indices{0, 1, 0, 0, 1, 0});
  World one{Balance::RoundRobin, {5}};
  CHECK(choices(one, 2) == Indices{0, 0});
}

TEST_CASE("least_requests keeps servers evenly busy for their weights", "[backend][balance]") {
  World world{Balance::LeastRequests, {1, 1, 2, 4}};
  for (int i = 0; i < 800; ++i) {
    world.occupy();
  }
  for (std::size_t i = 0; i < 4; ++i) {
    const double fair = 100.0 * world.config.servers[i].weight;
    CHECK(static_cast<double>(world.pools[i]->in_flight()) == Approx(fair).epsilon(0.15));
  }
}

TEST_CASE("least_requests shares by weight while nothing is in flight", "[backend][balance]") {
  World world{Balance::LeastRequests, {1, 3}};
  const std::vector<double> shares = world.shares(20'000);
  CHECK(shares[0] == Approx(0.25).margin(0.02));
}

TEST_CASE("least_requests avoids the busier of two servers", "[backend][balance]") {
  World world{Balance::LeastRequests, {1, 1}};
  const int busy = world.occupy();
  CHECK(choices(world, 5) == Indices(5, 1 - busy));
}

TEST_CASE("session_hash sends a visitor to the same server, in every worker and replica",
          "[backend][balance]") {
  World one{Balance::SessionHash, {1, 2, 1}};
  World other{Balance::SessionHash, {1, 2, 1}};
  for (std::uint64_t visitor = 0; visitor < 1000; ++visitor) {
    const int home = one.choose(place(visitor));
    REQUIRE(one.choose(place(visitor)) == home);
    REQUIRE(other.choose(place(visitor)) == home);
  }
}

TEST_CASE("session_hash takes turns for those without a session", "[backend][balance]") {
  World world{Balance::SessionHash, {1, 1, 1}};
  CHECK(choices(world, 4) == Indices{0, 1, 2, 0});
}

TEST_CASE("an ill server's visitors move, nobody else, and they come home again",
          "[backend][balance]") {
  World world{Balance::SessionHash, {1, 1, 2, 1, 1}};
  constexpr std::uint64_t kVisitors = 5000;
  Indices homes;
  for (std::uint64_t visitor = 0; visitor < kVisitors; ++visitor) {
    homes.push_back(world.choose(place(visitor)));
  }
  const bool ejected = GENERATE(false, true);
  if (ejected) {
    world.pools[2]->eject(kNow);
  } else {
    world.pools[2]->set_healthy(false, kNow);
  }
  std::map<int, int> new_homes;
  for (std::uint64_t visitor = 0; visitor < kVisitors; ++visitor) {
    const int now = world.choose(place(visitor));
    REQUIRE(now != 2);
    if (homes[visitor] == 2) {
      ++new_homes[now];
    } else {
      REQUIRE(now == homes[visitor]);
    }
  }
  CHECK(new_homes.size() == 4);  // all of the others share them
  world.pools[2]->set_healthy(true, kNow);
  world.pools[2]->sweep(kNow + world.config.ejection_time);
  for (std::uint64_t visitor = 0; visitor < kVisitors; ++visitor) {
    REQUIRE(world.choose(place(visitor)) == homes[visitor]);
  }
}

TEST_CASE("a visitor stays at home until it is twice as busy as its share", "[backend][balance]") {
  World world{Balance::SessionHash, {1, 1, 1, 1}};
  const std::uint64_t everybody = place(42);
  const int home = world.choose(everybody);
  for (int i = 0; i < 64; ++i) {
    REQUIRE(world.occupy(everybody) == home);
  }
  // 64 at home, none elsewhere: from now on no server has more than half of all.
  for (int i = 64; i < 2000; ++i) {
    REQUIRE(world.occupy(everybody) >= 0);
    const auto most = std::max<std::size_t>(64, 2 * static_cast<std::size_t>(i + 1) / 4 + 1);
    for (const auto& pool : world.pools) {
      REQUIRE(pool->in_flight() <= most);
    }
  }
  world.held.clear();
  CHECK(world.choose(everybody) == home);
}

TEST_CASE("a tried server is not chosen again", "[backend][balance]") {
  World world{GENERATE(Balance::RoundRobin, Balance::LeastRequests, Balance::SessionHash),
              {1, 1, 1}};
  Tried tried;
  std::map<int, int> chosen;
  for (int i = 0; i < 3; ++i) {
    const int next = world.choose(place(7), tried);
    ++chosen[next];
    tried.add(*world.pools[static_cast<std::size_t>(next)]);
  }
  CHECK(chosen.size() == 3);
  CHECK(world.balancer->choose(place(7), tried).verdict == Choice::Verdict::Tried);
}

TEST_CASE("ill servers are never chosen; without another there is none", "[backend][balance]") {
  World world{GENERATE(Balance::RoundRobin, Balance::LeastRequests, Balance::SessionHash), {1, 1}};
  world.pools[0]->set_healthy(false, kNow);
  Tried tried;
  tried.add(*world.pools[1]);
  CHECK(world.choose(place(1)) == 1);
  CHECK(world.balancer->choose(place(1), tried).verdict == Choice::Verdict::Tried);
  world.pools[1]->set_healthy(false, kNow);
  CHECK(world.balancer->choose(place(1), {}).verdict == Choice::Verdict::NoServer);
  world.pools[0]->set_healthy(true, kNow);
  CHECK(world.choose(place(1)) == 0);
}

TEST_CASE("connect failures in a row leave a server out for a while, but never the last",
          "[backend][balance][ejection]") {
  World world{Balance::RoundRobin, {1, 1, 1}, [](BackendConfig& config) {
                config.ejection_failures = 2;
                config.ejection_time = Seconds{10};
              }};
  world.balancer->count_failure(*world.pools[0], kNow);
  world.pools[0]->count_success();
  world.balancer->count_failure(*world.pools[0], kNow);
  CHECK_FALSE(world.pools[0]->standing().ejected);
  world.balancer->count_failure(*world.pools[0], kNow);
  CHECK(world.pools[0]->standing().ejected);
  CHECK(choices(world, 4) == Indices{1, 2, 1, 2});

  world.pools[1]->set_healthy(false, kNow);
  for (int i = 0; i < 10; ++i) {
    world.balancer->count_failure(*world.pools[2], kNow);
  }
  CHECK_FALSE(world.pools[2]->standing().ejected);
  CHECK(world.pools[2]->figures().ejections == 0);
  CHECK(choices(world, 2) == Indices{2, 2});

  // A request that could not reach the last one may try the one that is left out.
  Tried tried;
  tried.add(*world.pools[2]);
  CHECK(world.choose({}, tried) == 0);

  world.pools[0]->sweep(kNow + Seconds{9});
  CHECK(world.pools[0]->standing().ejected);
  world.pools[0]->sweep(kNow + Seconds{10});
  CHECK_FALSE(world.pools[0]->standing().ejected);
}

TEST_CASE("servers that were left out are used when no other is well", "[backend][balance]") {
  World world{Balance::RoundRobin, {1, 1}};
  world.pools[0]->eject(kNow);
  world.pools[1]->set_healthy(false, kNow);
  CHECK(world.choose() == 0);
  world.pools[0]->count_success();
  CHECK_FALSE(world.pools[0]->standing().ejected);
}

TEST_CASE("a server that comes back begins with a tenth of its share", "[backend][slow_start]") {
  const Balance balance = GENERATE(Balance::RoundRobin, Balance::LeastRequests);
  const bool ejected = GENERATE(false, true);
  World world{balance, {1, 1}, [](BackendConfig& config) { config.slow_start = Seconds{90}; }};
  CHECK(world.shares(2000)[0] == Approx(0.5).margin(0.05));  // not at the start
  if (ejected) {
    world.pools[0]->eject(kNow - world.config.ejection_time);
  } else {
    world.pools[0]->set_healthy(false, kNow - Seconds{5});
    world.pools[0]->set_healthy(true, kNow);
  }
  for (const auto& [passed, tenths] : {std::pair{0, 1.0}, {30, 4.0}, {60, 7.0}, {90, 10.0}}) {
    world.pools[0]->sweep(kNow + Seconds{passed});
    CAPTURE(passed);
    CHECK(world.shares(22'000)[0] == Approx(tenths / (tenths + 10)).margin(0.02));
  }
}

TEST_CASE("session_hash gives a server its visitors back a tenth at a time",
          "[backend][slow_start]") {
  World world{Balance::SessionHash, {1, 1, 1}, [](BackendConfig& config) {
                config.slow_start = Seconds{90};
              }};
  constexpr std::uint64_t kVisitors = 3000;
  Indices homes;
  for (std::uint64_t visitor = 0; visitor < kVisitors; ++visitor) {
    homes.push_back(world.choose(place(visitor)));
  }
  world.pools[1]->set_healthy(false, kNow);
  world.pools[1]->set_healthy(true, kNow);
  std::vector<bool> back(kVisitors, false);
  for (int tenths = 1; tenths <= 10; ++tenths) {
    world.pools[1]->sweep(kNow + Seconds{10 * (tenths - 1)});
    double his = 0, at_home = 0;
    for (std::uint64_t visitor = 0; visitor < kVisitors; ++visitor) {
      const int now = world.choose(place(visitor));
      if (homes[visitor] != 1) {
        REQUIRE(now == homes[visitor]);
        continue;
      }
      his += 1;
      at_home += now == 1 ? 1 : 0;
      REQUIRE((now == 1 || !back[visitor]));  // whoever came back stays
      back[visitor] = now == 1;
    }
    CHECK(at_home / his == Approx(tenths / 10.0).margin(0.05));
  }
}

TEST_CASE("max_requests is a limit over all workers", "[backend][max_requests]") {
  World one{Balance::RoundRobin, {1, 1}, [](BackendConfig& config) { config.max_requests = 2; }};
  CHECK(one.occupy() == 0);
  CHECK(one.occupy() == 1);
  // Another worker's pool of the second server.
  const auto load = std::make_shared<BackendLoad>(one.io, one.book.queue("app"));
  ServerPool elsewhere{PoolContext{one.io, one.streams, one.buffers, one.metrics, one.changes},
                       one.config, one.config.servers[1],
                       PoolShares{one.book.figures(&load, "app", one.config.servers[1].url),
                                  one.book.load("app", one.config.servers[1].url), load}};
  Slot slot = elsewhere.enter();
  REQUIRE(slot);
  CHECK_FALSE(elsewhere.enter());
  CHECK(one.occupy() == 0);
  CHECK(one.balancer->choose({}, {}).verdict == Choice::Verdict::Full);
  slot.release();
  CHECK(one.occupy() == 1);
  CHECK(one.balancer->choose({}, {}).verdict == Choice::Verdict::Full);
  one.held.erase(one.held.begin());
  CHECK(one.choose() == 0);
}

TEST_CASE("a limit that a reload lifts or sets counts what comes after it",
          "[backend][max_requests]") {
  World world{Balance::RoundRobin, {1}};
  Slot before = world.pools[0]->enter();
  world.config.max_requests = 1;
  world.pools[0]->apply(world.config);
  Slot counted = world.pools[0]->enter();
  REQUIRE(counted);
  CHECK_FALSE(world.pools[0]->enter());
  before.release();
  CHECK_FALSE(world.pools[0]->enter());
  counted.release();
  CHECK(world.pools[0]->enter());
}
