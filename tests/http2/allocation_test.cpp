// No allocation for a request in the steady state: every one of this program is counted.

#include <atomic>
#include <cstdlib>
#include <new>

#include "http2/reusing_owner.hpp"
#include "support/catch.hpp"

namespace {

std::atomic<std::size_t> allocations{0};

}  // namespace

void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* block = std::malloc(size == 0 ? 1 : size)) {
    return block;
  }
  throw std::bad_alloc{};
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}

using namespace keepsake;
using namespace keepsake::test;

namespace {

// Reads of ten requests each, whose fields are in the table after the first.
std::vector<std::string> many_reads(std::size_t count) {
  const http2::Fields fields = browser_request();
  std::string first;
  std::string repeated;
  for (const auto& [name, value] : fields) {
    first += http2::indexed_literal(name, value);
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    repeated += http2::indexed(61 + fields.size() - i);
  }
  std::vector<std::string> reads{http2::opening({{4, 10'000'000}}) +
                                 http2::window_update(0, 1'000'000'000)};
  std::uint32_t id = 1;
  while (reads.size() < count) {
    std::string& read = reads.emplace_back();
    for (int n = 0; n < 10; ++n, id += 2) {
      read += http2::frame(http2::kHeaders, http2::kEndHeaders | http2::kEndStream, id,
                           id == 1 ? first : repeated);
    }
  }
  return reads;
}

}  // namespace

TEST_CASE("an HTTP/2 request allocates nothing in the steady state", "[http2][memory]") {
  Http2Memory memory;
  ReusingOwner owner;
  CountingRandom random;
  Http2Counts counts;
  Http2Session session{{memory, counts, random}, owner, {}, SteadyTime{}};
  const std::vector<std::string> reads = many_reads(200);
  std::size_t served = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    owner.serve(session, reads[i], SteadyTime{});
  }
  const std::size_t system_calls = memory.system_calls();
  const std::size_t before = allocations.load();
  for (std::size_t i = 20; i < reads.size(); ++i) {
    served += owner.serve(session, reads[i], SteadyTime{});
  }
  const std::size_t made = allocations.load() - before;
  CHECK(served == 1'800);
  CHECK(made == 0);
  CHECK(memory.system_calls() == system_calls);
}
