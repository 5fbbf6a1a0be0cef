// What choosing a server costs a request, in CPU time: with 100 servers of one weight, of different
// weights, and with some of them ill. Counts what it allocates.
//
//   bench_balancer [--assert]     with --assert: exit 1 if the budget is missed (release builds
//   only)
//
// Budget: under 200 ns and no allocation for every policy; the slot's coming and going included.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "backend/backend_pools.hpp"
#include "http2/memory.hpp"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) {
    return memory;
  }
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace {

using namespace keepsake;

constexpr std::size_t kServers = 100;
constexpr SteadyTime kNow{std::chrono::hours{1}};

double cpu_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// The best of many short rounds: what the work costs when nothing disturbs it.
template <typename Work>
double measure(Work work, double& allocated) {
  constexpr int kRounds = 300, kRuns = 1'000;
  double best = 1e18;
  for (int round = 0; round < kRounds; ++round) {
    const std::size_t before_all = allocations;
    const double before = cpu_nanoseconds();
    for (int i = 0; i < kRuns; ++i) {
      work();
    }
    best = std::min(best, (cpu_nanoseconds() - before) / kRuns);
    allocated = std::max(allocated, static_cast<double>(allocations - before_all) / kRuns);
  }
  return best;
}

struct Case {
  Balance balance;
  const char* name;
  bool weighted;  // weights from 1 to 10
  bool ill;       // every third server is
};

bool run(const Case& c) {
  BackendConfig config;
  config.name = "app";
  config.balance = c.balance;
  for (std::size_t i = 0; i < kServers; ++i) {
    ServerConfig& server = config.servers.emplace_back();
    server.address.host = "10.0.0." + std::to_string(i + 1);
    server.url = "http://" + server.address.host + ":8080";
    server.weight = c.weighted ? 1 + static_cast<unsigned>(i % 10) : 1;
  }
  asio::io_context io{1};
  StreamList streams;
  BufferPool buffers{1024, 1};
  Metrics metrics;
  Random random;
  BackendBook book;
  Http2Memory http2;
  BackendPools pools{io, streams, buffers, metrics, random, book, http2};
  const auto ring = c.balance == Balance::SessionHash
                        ? std::make_shared<const HashRing>(config.servers)
                        : nullptr;
  const auto balancer = pools.balancer(config, ring, nullptr);
  // Something is in flight everywhere, as under load.
  std::vector<Slot> busy;
  for (std::size_t i = 0; i < kServers; ++i) {
    for (std::size_t n = 0; n < i % 7; ++n) {
      busy.push_back(balancer->servers()[i]->enter());
    }
    if (c.ill && i % 3 == 0) {
      pools.set_healthy("app", config.servers[i].url, false, kNow);
    }
  }
  std::uint64_t visitor = 0;
  std::size_t failed = 0;
  double allocated = 0;
  const Tried none;
  failed += balancer->choose(1, none).slot ? 0U : 1U;  // works out what the change above changes
  const double each = measure(
      [&] {
        const Choice choice = balancer->choose(mix64(++visitor), none);
        failed += choice.slot ? 0U : 1U;
      },
      allocated);
  std::printf("%-15s %-17s %-14s %6.0f ns, %.2f allocations\n", c.name,
              c.weighted ? "weights 1 to 10" : "equal weights", c.ill ? "a third is ill" : "", each,
              allocated);
  return each < 200 && allocated == 0 && failed == 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::printf("%zu servers\n", kServers);
  bool kept = true;
  for (const bool weighted : {false, true}) {
    for (const bool ill : {false, true}) {
      kept &= run({Balance::RoundRobin, "round_robin", weighted, ill});
      kept &= run({Balance::LeastRequests, "least_requests", weighted, ill});
      kept &= run({Balance::SessionHash, "session_hash", weighted, ill});
    }
  }
  const bool asked = argc > 1 && std::string_view(argv[1]) == "--assert";
  return asked && !kept ? 1 : 0;
}
