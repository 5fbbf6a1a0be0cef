// session.index of store: memory: which sessions have a value, and that none stays when it ends.

#include <map>

#include "store/end_sessions.hpp"
#include "store/memory_store.hpp"
#include "store/support.hpp"
#include "support/catch.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

const std::vector<std::string> kPrivileged{"user"};

struct Store {
  explicit Store(std::size_t max_sessions = 1000) : store(max_sessions) { store.set_index("user"); }
  MemoryStore store;

  StoreResult begin(std::uint32_t id, const std::string& user, std::int64_t when = 0) {
    const StoreChanges changes{{"user", user}, {"color", "red"}};
    const StoreWrite write{.fresh = id_of(id),
                           .may_begin = true,
                           .values = changes,
                           .privileged = kPrivileged,
                           .max_values = 9};
    return result(store.change(write, at(when))).result;
  }
  StoreResult write(std::uint32_t id, const StoreChanges& changes, std::uint32_t fresh = 999,
                    std::int64_t when = 0) {
    const SessionId known = id_of(id);
    const StoreWrite write{.id = &known,
                           .fresh = id_of(fresh),
                           .values = changes,
                           .privileged = kPrivileged,
                           .max_values = 9};
    return result(store.change(write, at(when))).result;
  }
  StoreListing of(const std::string& user, std::int64_t when = 0, const std::string& after = "",
                  std::size_t limit = 100) {
    return result(store.list_of(user, after, limit, at(when)));
  }
  std::size_t count(const std::string& user, std::int64_t when = 0) {
    return of(user, when).entries.size();
  }
};

}  // namespace

TEST_CASE("an index in memory lists the sessions with a value and no other", "[store][index]") {
  Store store;
  REQUIRE(store.begin(1, "ada", 3) == StoreResult::Created);
  REQUIRE(store.begin(2, "ada") == StoreResult::Created);
  REQUIRE(store.begin(3, "bob") == StoreResult::Created);
  CHECK(store.count("ada") == 2);
  CHECK(store.count("bob") == 1);
  CHECK(store.count("") == 0);
  CHECK(store.count("Ada") == 0);
  const StoreListing bob = store.of("bob");
  REQUIRE(bob.entries.size() == 1);
  CHECK(bob.entries[0].key == store_key(id_of(3)));
  CHECK(bob.entries[0].created == kStart);
  CHECK(bob.entries[0].values == 2);
  CHECK(bob.next.empty());
}

TEST_CASE("an index is listed in pages, each session once", "[store][index]") {
  Store store;
  for (std::uint32_t id = 1; id <= 25; ++id) {
    REQUIRE(store.begin(id, "ada") == StoreResult::Created);
  }
  std::map<StoreKey, int> seen;
  std::string after;
  do {
    const StoreListing page = store.of("ada", 0, after, 10);
    REQUIRE(page.result == StoreResult::Ok);
    for (const StoreEntry& entry : page.entries) {
      ++seen[entry.key];
    }
    after = page.next;
  } while (!after.empty());
  CHECK(seen.size() == 25);
  CHECK(store.of("ada", 0, "x").result == StoreResult::Missing);
}

TEST_CASE("a session leaves the index in whatever way it ends", "[store][index]") {
  Store store;
  REQUIRE(store.begin(1, "ada") == StoreResult::Created);
  REQUIRE(store.store.indexed() == 1);
  SECTION("erased") {
    result(store.store.erase(id_of(1)));
  }
  SECTION("ended by its name") {
    result(store.store.end(store_key(id_of(1))));
  }
  SECTION("emptied") {
    CHECK(store.write(1, {{"user", ""}, {"color", ""}}) == StoreResult::Emptied);
  }
  SECTION("expired") {
    Session session;
    CHECK(store.count("ada", 101) == 0);
    CHECK(result(store.store.load(id_of(1), at(101), session)) == StoreResult::Missing);
  }
  SECTION("without the value") {
    CHECK(store.write(1, {{"user", ""}}) == StoreResult::Renewed);
  }
  CHECK(store.store.indexed() == 0);
  CHECK(store.count("ada") == 0);
}

TEST_CASE("a session that the bound drives out leaves the index", "[store][index]") {
  Store store{2};
  for (std::uint32_t id = 1; id <= 5; ++id) {
    REQUIRE(store.begin(id, "ada") == StoreResult::Created);
  }
  CHECK(store.store.indexed() == 2);
  CHECK(store.count("ada") == 2);
}

TEST_CASE("a renewal moves a session in the index, and its former id is in none",
          "[store][index]") {
  Store store;
  REQUIRE(store.begin(1, "ada") == StoreResult::Created);
  REQUIRE(store.write(1, {{"user", "bob"}}, 2) == StoreResult::Renewed);
  CHECK(store.count("ada") == 0);
  REQUIRE(store.count("bob") == 1);
  CHECK(store.of("bob").entries[0].key == store_key(id_of(2)));
  CHECK(store.store.indexed() == 1);
}

TEST_CASE("another write leaves a session in its index", "[store][index]") {
  Store store;
  REQUIRE(store.begin(1, "ada") == StoreResult::Created);
  REQUIRE(store.write(1, {{"color", "blue"}}) == StoreResult::Ok);
  CHECK(store.count("ada") == 1);
}

TEST_CASE("an index that begins later knows the sessions that are there", "[store][index]") {
  Store store;
  store.store.set_index(std::nullopt);
  REQUIRE(store.begin(1, "ada") == StoreResult::Created);
  CHECK(store.count("ada") == 0);
  store.store.set_index("user");
  CHECK(store.count("ada") == 1);
  store.store.set_index("color");
  CHECK(store.count("ada") == 0);
  CHECK(store.count("red") == 1);
  store.store.set_index(std::nullopt);
  CHECK(store.store.indexed() == 0);
}

TEST_CASE("all sessions of a person end but those that are kept", "[store][index]") {
  Store store;
  for (std::uint32_t id = 1; id <= 250; ++id) {
    REQUIRE(store.begin(id, "ada") == StoreResult::Created);
  }
  REQUIRE(store.begin(300, "bob") == StoreResult::Created);
  const std::vector<StoreKey> kept{store_key(id_of(7))};
  const StoreEnded ended = result(end_sessions_of(store.store, "ada", kept, at(0)));
  CHECK(ended.result == StoreResult::Ok);
  CHECK(ended.count == 249);
  CHECK(store.count("ada") == 1);
  CHECK(store.count("bob") == 1);
}
