#include "http2/memory.hpp"

#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "http2/peer.hpp"
#include "support/catch.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

// Pages of the frame block at `block` that are in memory.
std::size_t resident_pages(void* block) {
  std::array<unsigned char, Http2Memory::kFrameBlock / Http2Memory::kPage> pages{};
  REQUIRE(::mincore(block, Http2Memory::kFrameBlock, pages.data()) == 0);
  std::size_t count = 0;
  for (const unsigned char page : pages) {
    count += page & 1U;
  }
  return count;
}

}  // namespace

TEST_CASE("a block that was given back is taken again", "[http2][memory]") {
  Http2Memory memory;
  void* first = memory.take(300);
  std::memset(first, 1, 300);
  memory.give(first);
  CHECK(memory.take(310) == first);  // the same class
  CHECK(memory.system_calls() == 1);
  void* other = memory.take(321);
  CHECK(other != first);
  CHECK(memory.system_calls() == 2);
  memory.give(first);
  memory.give(other);
}

TEST_CASE("a block grows with its content", "[http2][memory]") {
  Http2Memory memory;
  auto* block = static_cast<char*>(memory.resize(nullptr, 10));
  std::memcpy(block, "0123456789", 10);
  CHECK(memory.resize(block, 64) == block);
  for (const std::size_t size : {65U, 1'000U, 1'025U, 5'000U, 100'000U}) {
    block = static_cast<char*>(memory.resize(block, size));
    CHECK(std::string_view{block, 10} == "0123456789");
    CHECK(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t) == 0);
  }
  memory.give(block);
  memory.give(nullptr);
}

TEST_CASE("what a worker keeps of small blocks is bounded", "[http2][memory]") {
  Http2Memory memory;
  std::vector<void*> blocks;
  for (unsigned i = 0; i < 10'000; ++i) {
    blocks.push_back(memory.take(64));
  }
  for (void* block : blocks) {
    memory.give(block);
  }
  const std::size_t before = memory.system_calls();
  for (void*& block : blocks) {
    block = memory.take(64);
  }
  CHECK(memory.system_calls() - before == 10'000 - 256 * 1024 / 64);
  for (void* block : blocks) {
    memory.give(block);
  }
}

TEST_CASE("a session's frame buffer stands on pages that can be given back", "[http2][memory]") {
  Http2Memory worker;
  SessionMemory session{worker};
  void* buffer = session.resize(nullptr, 16'394);
  CHECK(reinterpret_cast<std::uintptr_t>(buffer) % Http2Memory::kPage == 0);
  std::memset(buffer, 1, 16'394);
  CHECK(resident_pages(buffer) == 5);
  session.rest();
  CHECK(resident_pages(buffer) == 0);
  std::memset(buffer, 2, 16'394);
  void* second = session.take(16'394);  // a header block of two frames
  CHECK(second != buffer);
  session.give(second);
  void* larger = session.resize(buffer, 40'000);
  CHECK(static_cast<char*>(larger)[16'393] == 2);
  session.give(larger);
  CHECK(session.take(16'394) == buffer);
  session.give(buffer);
  session.rest();
}

TEST_CASE("a session at rest goes on where it was", "[http2][memory]") {
  Peer peer;
  peer.open();
  for (std::uint32_t id = 1; id < 20; id += 2) {
    peer.send(http2::headers(id, http2::get("/", {{"x-a", "b"}})));
    peer.answer(id, std::string(20'000, 'x'));
    CHECK(peer.body_of(id).size() == 20'000);
    peer.session().release(peer.stream(id));
    CHECK_FALSE(peer.session().has_output());
    peer.session().rest();
    peer.send(http2::window_update(0, 20'000));
  }
}
