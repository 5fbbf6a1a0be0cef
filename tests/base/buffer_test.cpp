#include "base/buffer.hpp"

#include "support/catch.hpp"

using namespace keepsake;

namespace {
void put(Buffer& buffer, std::string_view bytes) {
  REQUIRE(buffer.space_size() >= bytes.size());
  std::memcpy(buffer.space(), bytes.data(), bytes.size());
  buffer.commit(bytes.size());
}
}  // namespace

TEST_CASE("a buffer that is emptied starts again at its front", "[base][buffer]") {
  BufferPool pool{8, 4};
  Buffer buffer{pool};
  put(buffer, "abcdef");
  buffer.consume(2);
  CHECK(buffer.bytes() == "cdef");
  CHECK(buffer.space_size() == 2);
  buffer.consume(4);
  CHECK(buffer.empty());
  CHECK(buffer.space_size() == 8);
}

TEST_CASE("compacting moves what is left to the front", "[base][buffer]") {
  BufferPool pool{8, 4};
  Buffer buffer{pool};
  put(buffer, "abcdefgh");
  buffer.consume(5);
  CHECK(buffer.space_size() == 0);
  buffer.compact();
  CHECK(buffer.bytes() == "fgh");
  CHECK(buffer.space_size() == 5);
}

TEST_CASE("held bytes stay where they are until they are released", "[base][buffer]") {
  BufferPool pool{16, 4};
  Buffer buffer{pool};
  put(buffer, "headbody");
  const std::string_view head = buffer.bytes().substr(0, 4);
  buffer.hold(4);
  CHECK(buffer.bytes() == "body");
  buffer.consume(2);
  buffer.compact();
  CHECK(buffer.bytes() == "dy");
  CHECK(head == "head");
  buffer.consume(2);
  CHECK(buffer.space_size() == 12);
  put(buffer, "next");
  CHECK(head == "head");
  buffer.release_held();
  CHECK(buffer.bytes() == "next");
  buffer.consume(4);
  CHECK(buffer.space_size() == 16);
}

TEST_CASE("releasing held bytes of an empty buffer frees all of it", "[base][buffer]") {
  BufferPool pool{8, 4};
  Buffer buffer{pool};
  put(buffer, "head");
  buffer.hold(4);
  CHECK(buffer.space_size() == 4);
  buffer.release_held();
  CHECK(buffer.space_size() == 8);
}

TEST_CASE("a pool hands out again what it was given, the last first", "[base][buffer]") {
  BufferPool pool{8, 1};
  std::unique_ptr<char[]> one = pool.take();
  std::unique_ptr<char[]> two = pool.take();
  const char* first = one.get();
  const char* second = two.get();
  pool.give(std::move(one), 8);
  pool.give(std::move(two), 8);
  const std::unique_ptr<char[]> again = pool.take();
  CHECK(again.get() == second);
  CHECK(pool.take().get() == first);
}

TEST_CASE("a pool that grows gives larger buffers and drops the smaller ones", "[base][buffer]") {
  BufferPool pool{8, 4};
  Buffer old{pool};
  put(old, "abcdef");
  old.consume(2);
  pool.grow_to(16);
  CHECK(Buffer{pool}.space_size() == 16);
  old.fit();
  CHECK(old.bytes() == "cdef");
  CHECK(old.space_size() == 12);
  Buffer small = std::move(old);
  pool.grow_to(32);
  small.release();  // not kept: the next one must be large
  CHECK(Buffer{pool}.space_size() == 32);
  pool.grow_to(16);
  CHECK(pool.size() == 32);
}

TEST_CASE("spares that nobody wants are let go, by halves, down to the usual number",
          "[base][buffer]") {
  Spares<std::unique_ptr<int>> spares{2};
  for (int i = 0; i < 10; ++i) {
    spares.give(std::make_unique<int>(i));
  }
  CHECK(spares.trim() == 0);  // they were wanted until now
  CHECK(spares.trim() == 5);
  CHECK(*spares.take() == 9);  // the oldest went first
  spares.give(std::make_unique<int>(9));
  CHECK(spares.trim() == 2);  // four were not wanted
  CHECK(spares.trim() == 1);
  CHECK(spares.trim() == 0);
  CHECK(spares.take());
  CHECK(spares.take());
  CHECK_FALSE(spares.take());
}

TEST_CASE("spares that the load takes and gives back are kept", "[base][buffer]") {
  Spares<std::unique_ptr<int>> spares{1};
  for (int round = 0; round < 5; ++round) {
    std::vector<std::unique_ptr<int>> in_use;
    for (int i = 0; i < 8; ++i) {
      std::unique_ptr<int> one = spares.take();
      CHECK((one != nullptr) == (round > 0));
      in_use.push_back(one ? std::move(one) : std::make_unique<int>(i));
    }
    for (std::unique_ptr<int>& one : in_use) {
      spares.give(std::move(one));
    }
    CHECK(spares.trim() == 0);
  }
}

TEST_CASE("a moved buffer takes its bytes along and leaves nothing", "[base][buffer]") {
  BufferPool pool{8, 4};
  Buffer from{pool};
  put(from, "abc");
  Buffer to = std::move(from);
  CHECK(to.bytes() == "abc");
  CHECK_FALSE(from);  // NOLINT: moved-from is empty by contract
  to.release();
  CHECK_FALSE(to);
}
