#include "store/memory_store.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include "store/support.hpp"
#include "support/catch.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

constexpr std::size_t kMany = 32;
constexpr std::uint32_t kUnused = 4'000'000;  // an id that no test begins a session with

struct Store {
  MemoryStore store;
  explicit Store(std::size_t max_sessions = 1000) : store(max_sessions) {}
  std::size_t size() const { return store.size(); }

  StoreResult begin(std::uint32_t id, const StoreChanges& changes = {{"name", "Alice"}},
                    std::int64_t when = 0, std::size_t max_values = kMany) {
    const StoreWrite write{
        .fresh = id_of(id), .may_begin = true, .values = changes, .max_values = max_values};
    return result(store.change(write, at(when))).result;
  }
  StoreResult write(std::uint32_t id, const StoreChanges& changes, std::int64_t when = 0,
                    std::size_t max_values = kMany) {
    const SessionId known = id_of(id);
    const StoreWrite write{
        .id = &known, .fresh = id_of(kUnused), .values = changes, .max_values = max_values};
    return result(store.change(write, at(when))).result;
  }
  StoreResult read(std::uint32_t id, Session& out, std::int64_t when = 0) {
    return result(store.load(id_of(id), at(when), out));
  }
  bool has(std::uint32_t id, std::int64_t when = 0) {
    Session session;
    return read(id, session, when) == StoreResult::Ok;
  }
  StoreResult end(std::uint32_t id) { return result(store.erase(id_of(id))); }
};

}  // namespace

TEST_CASE("a session in memory comes back as it was written", "[store][memory]") {
  Store store;
  REQUIRE(store.begin(1, {{"name", "Alice"}, {"color", "red"}, {"name", "Bob"}}, 5) ==
          StoreResult::Created);
  Session session;
  session.set("left", "over");
  REQUIRE(store.read(1, session, 7) == StoreResult::Ok);
  CHECK(session.size() == 2);
  CHECK(session.find("name") == "Bob");
  CHECK(session.find("color") == "red");
  CHECK(session.created == kStart + 5);
  CHECK(session.touched == kStart + 5);
  CHECK(session.id == id_of(1));
}

TEST_CASE("what was never there, or has ended, is missing", "[store][memory]") {
  Store store;
  CHECK_FALSE(store.has(1));
  CHECK(store.write(1, {{"name", "Alice"}}) == StoreResult::Missing);
  REQUIRE(store.begin(1) == StoreResult::Created);
  CHECK(store.end(1) == StoreResult::Ok);
  CHECK_FALSE(store.has(1));
  CHECK(store.end(1) == StoreResult::Missing);
  CHECK(store.size() == 0);
}

TEST_CASE("a session that was ended stays ended", "[store][memory]") {
  Store store;
  REQUIRE(store.begin(1) == StoreResult::Created);
  REQUIRE(store.end(1) == StoreResult::Ok);
  SECTION("for a change that may not begin another") {
    CHECK(store.write(1, {{"name", "Bob"}}) == StoreResult::Missing);
    CHECK(store.size() == 0);
  }
  SECTION("for a change that begins another") {
    const SessionId known = id_of(1);
    const StoreChanges values{{"name", "Bob"}};
    const StoreWrite write{
        .id = &known, .fresh = id_of(2), .may_begin = true, .values = values, .max_values = kMany};
    CHECK(result(store.store.change(write, at(0))).result == StoreResult::Created);
    CHECK_FALSE(store.has(1));
    CHECK(store.has(2));
  }
}

TEST_CASE("changes that only remove begin nothing", "[store][memory]") {
  Store store;
  CHECK(store.begin(1, {{"name", ""}}) == StoreResult::Missing);
  CHECK(store.begin(1, {{"name", "Alice"}, {"name", ""}}) == StoreResult::Missing);
  CHECK(store.size() == 0);
}

TEST_CASE("the last value takes the session with it", "[store][memory]") {
  Store store;
  REQUIRE(store.begin(1, {{"name", "Alice"}, {"color", "red"}}) == StoreResult::Created);
  CHECK(store.write(1, {{"name", ""}, {"other", ""}}) == StoreResult::Ok);
  CHECK(store.write(1, {{"color", ""}}) == StoreResult::Emptied);
  CHECK(store.size() == 0);
}

TEST_CASE("more values than allowed change nothing", "[store][memory]") {
  Store store;
  CHECK(store.begin(9, {{"a", "1"}, {"b", "2"}}, 0, 1) == StoreResult::TooMany);
  CHECK(store.size() == 0);
  REQUIRE(store.begin(1, {{"a", "1"}, {"b", "2"}}) == StoreResult::Created);
  CHECK(store.write(1, {{"a", "9"}, {"c", "3"}}, 0, 2) == StoreResult::TooMany);
  Session session;
  REQUIRE(store.read(1, session) == StoreResult::Ok);
  CHECK(session.find("a") == "1");
  CHECK(session.size() == 2);
  CHECK(store.write(1, {{"b", ""}, {"c", "3"}}, 0, 2) == StoreResult::Ok);
}

TEST_CASE("a session in memory lives to the second of its idle timeout",
          "[store][memory][lifetime]") {
  Store store;
  REQUIRE(store.begin(1) == StoreResult::Created);
  const auto [when, alive] = GENERATE(table<int, bool>({{99, true}, {100, true}, {101, false}}));
  CHECK(store.has(1, when) == alive);
  CHECK(store.size() == (alive ? 1 : 0));
}

TEST_CASE("use renews a session in memory, once per touch interval", "[store][memory][lifetime]") {
  Store store;
  REQUIRE(store.begin(1) == StoreResult::Created);
  SECTION("not before") {
    REQUIRE(store.has(1, 9));
    CHECK_FALSE(store.has(1, 101));
  }
  SECTION("from then on") {
    REQUIRE(store.has(1, 10));
    CHECK(store.has(1, 110));
    CHECK_FALSE(store.has(1, 211));
  }
  SECTION("a change always does") {
    REQUIRE(store.write(1, {{"name", "Bob"}}, 5) == StoreResult::Ok);
    CHECK(store.has(1, 105));
  }
}

TEST_CASE("no use takes a session in memory past its absolute timeout",
          "[store][memory][lifetime]") {
  Store store;
  REQUIRE(store.begin(1) == StoreResult::Created);
  for (int when = 50; when <= 1000; when += 50) {
    REQUIRE(store.has(1, when));
  }
  CHECK(store.write(1, {{"name", "Bob"}}, 1001) == StoreResult::Missing);
  CHECK_FALSE(store.has(1, 1001));
}

TEST_CASE("a full memory store lets the least recently used go", "[store][memory]") {
  Store store(3);
  for (std::uint32_t id = 1; id <= 3; ++id) {
    REQUIRE(store.begin(id) == StoreResult::Created);
  }
  REQUIRE(store.has(1));                                          // used by a visit
  REQUIRE(store.write(2, {{"name", "Bob"}}) == StoreResult::Ok);  // by a change
  REQUIRE(store.begin(4) == StoreResult::Created);
  CHECK(store.size() == 3);
  CHECK_FALSE(store.has(3));
  CHECK(store.has(1));
  CHECK(store.has(2));
  CHECK(store.has(4));
}

TEST_CASE("a memory store never holds more than it may", "[store][memory]") {
  const std::size_t max = GENERATE(as<std::size_t>{}, 1, 63, 100, 1000, 5000);
  Store store(max);
  for (std::uint32_t id = 0; id < 3 * max + 100; ++id) {
    REQUIRE(store.begin(id) == StoreResult::Created);
    REQUIRE(store.size() <= max);
  }
  CHECK(store.size() >= max * 9 / 10);
}

TEST_CASE("a smaller bound takes hold as sessions come", "[store][memory]") {
  Store store(50);
  for (std::uint32_t id = 0; id < 50; ++id) {
    REQUIRE(store.begin(id) == StoreResult::Created);
  }
  store.store.set_max_sessions(10);
  REQUIRE(store.begin(99) == StoreResult::Created);
  CHECK(store.size() == 10);
  CHECK(store.has(99));
}

TEST_CASE("expired sessions make room before anybody asks for them", "[store][memory]") {
  Store store(63);
  for (std::uint32_t id = 0; id < 40; ++id) {
    REQUIRE(store.begin(id) == StoreResult::Created);
  }
  for (std::uint32_t id = 100; id < 110; ++id) {
    REQUIRE(store.begin(id, {{"name", "Bob"}}, 101) == StoreResult::Created);
  }
  CHECK(store.size() == 10);
}

TEST_CASE("parallel changes of different keys in memory all survive", "[store][memory][threads]") {
  Store store;
  REQUIRE(store.begin(1) == StoreResult::Created);
  std::vector<std::thread> threads;
  std::atomic<int> refused{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&store, &refused, t] {
      for (int i = 0; i < 500; ++i) {
        refused +=
            store.write(1, {{"key" + std::to_string(t), std::to_string(i)}}) != StoreResult::Ok;
        refused += !store.has(1);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(refused == 0);
  Session session;
  REQUIRE(store.read(1, session) == StoreResult::Ok);
  CHECK(session.size() == 5);
  for (int t = 0; t < 4; ++t) {
    CHECK(session.find("key" + std::to_string(t)) == "499");
  }
}

TEST_CASE("threads that begin, change and end sessions leave a store in order",
          "[store][memory][threads]") {
  Store store(200);
  std::vector<std::thread> threads;
  std::atomic<int> risen{0};
  for (std::uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&store, &risen, t] {
      for (std::uint32_t i = 0; i < 1000; ++i) {
        store.begin(t * 10000 + i);
        store.write((t ^ 1) * 10000 + i, {{"name", "Bob"}});
        if (i % 3 == 0) {
          store.end(t * 10000 + i);
          risen += store.has(t * 10000 + i);
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(risen == 0);
  CHECK(store.size() <= 200);
}

namespace {

// A session with a lifetime of its own, in seconds.
void last(Store& store, std::uint32_t id, std::uint32_t lifetime, std::int64_t when = 0) {
  const StoreChanges changes{{"name", "Ada"}};
  const StoreWrite write{.fresh = id_of(id),
                         .may_begin = true,
                         .values = changes,
                         .max_values = kMany,
                         .lifetime = LifetimeChange{lifetime}};
  const StoreWritten written = result(store.store.change(write, at(when)));
  REQUIRE(written.result == StoreResult::Created);
  REQUIRE(written.lifetime == lifetime);
}

}  // namespace

TEST_CASE("a session with a lifetime of its own may idle as long as that", "[store][memory]") {
  Store store;
  last(store, 1, 500);
  last(store, 2, 20);
  last(store, 3, 0);
  REQUIRE(store.begin(4) == StoreResult::Created);
  Session session;
  CHECK(store.read(1, session, 20) == StoreResult::Ok);
  CHECK(session.lifetime == 500);
  CHECK(session.touched == kStart + 20);
  CHECK(store.has(2, 20));
  CHECK_FALSE(store.has(2, 41));
  CHECK(store.has(3, 100));
  CHECK(store.has(4, 100));
  CHECK_FALSE(store.has(3, 201));
  CHECK_FALSE(store.has(4, 201));
  CHECK(store.has(1, 520));
  CHECK_FALSE(store.has(1, 1001));
}

TEST_CASE("a change gives a session another lifetime, or leaves it as it is", "[store][memory]") {
  Store store;
  last(store, 1, 500);
  CHECK(store.write(1, {{"color", "red"}}, 5) == StoreResult::Ok);
  CHECK(store.has(1, 400));
  const SessionId known = id_of(1);
  const StoreChanges none;
  const StoreWrite usual{.id = &known,
                         .fresh = id_of(kUnused),
                         .values = none,
                         .max_values = kMany,
                         .lifetime = LifetimeChange{}};
  CHECK(result(store.store.change(usual, at(400))).result == StoreResult::Ok);
  Session session;
  CHECK(store.read(1, session, 450) == StoreResult::Ok);
  CHECK_FALSE(session.lifetime);
  CHECK(session.find("color") == "red");
  CHECK_FALSE(store.has(1, 551));
}

TEST_CASE("use of a session with a lifetime of its own counts by that", "[store][memory]") {
  Store store;
  last(store, 1, 500);
  StoreKey key = store_key(id_of(1));
  const StoreUse use{kStart + 300, kStart + 400};
  CHECK(result(store.store.use(key, use, at(400))) == StoreResult::Ok);
  CHECK(store.has(1, 800));
}

TEST_CASE("expired sessions go before remembered ones when there is no more room",
          "[store][memory]") {
  Store store{4};
  last(store, 1, 900);
  REQUIRE(store.begin(2, {{"name", "b"}}, 1) == StoreResult::Created);
  REQUIRE(store.begin(3, {{"name", "c"}}, 2) == StoreResult::Created);
  REQUIRE(store.begin(4, {{"name", "d"}}, 3) == StoreResult::Created);
  REQUIRE(store.begin(5, {{"name", "e"}}, 300) == StoreResult::Created);
  CHECK(store.has(1, 300));
  CHECK(store.size() == 2);
  for (std::uint32_t id = 6; id < 10; ++id) {  // of the living the one that waited longest goes
    REQUIRE(store.begin(id, {{"name", "f"}}, 310 + id) == StoreResult::Created);
  }
  CHECK(store.size() == 4);
  CHECK_FALSE(store.has(5, 320));
}
