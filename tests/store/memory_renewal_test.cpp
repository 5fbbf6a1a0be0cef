// Sessions in memory that get a new id, and how long their former ids are worth something.

#include <string>
#include <vector>

#include "store/memory_store.hpp"
#include "store/support.hpp"
#include "support/catch.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

const std::vector<std::string> kPrivileged{"user", "role"};

struct Store {
  MemoryStore store{1000};

  StoreWritten write(std::uint32_t id, std::uint32_t fresh, const StoreChanges& values,
                     std::int64_t when = 0, bool renew = false) {
    const SessionId known = id_of(id);
    const StoreWrite write{.id = &known,
                           .fresh = id_of(fresh),
                           .renew = renew,
                           .values = values,
                           .privileged = kPrivileged,
                           .max_values = 3};
    return result(store.change(write, at(when)));
  }
  void begin(std::uint32_t id, const StoreChanges& values, std::int64_t when = 0) {
    const StoreWrite write{
        .fresh = id_of(id), .may_begin = true, .values = values, .max_values = 3};
    REQUIRE(result(store.change(write, at(when))).result == StoreResult::Created);
  }
  StoreResult read(std::uint32_t id, Session& out, std::int64_t when = 0) {
    return result(store.load(id_of(id), at(when), out));
  }
  StoreResult read(std::uint32_t id, std::int64_t when = 0) {
    Session session;
    return read(id, session, when);
  }
  StoreResult use(StoreKey& key, std::optional<StoreUse> use, std::int64_t when) {
    return result(store.use(key, use, at(when)));
  }
};

}  // namespace

TEST_CASE("a change of a privileged key gives a session in memory a new id and keeps its values",
          "[store][memory][renewal]") {
  Store store;
  store.begin(1, {{"color", "red"}}, 5);
  const StoreWritten written = store.write(1, 2, {{"user", "ada"}}, 7);
  CHECK(written.result == StoreResult::Renewed);
  CHECK(written.created == kStart + 5);
  Session session;
  REQUIRE(store.read(2, session, 8) == StoreResult::Ok);
  CHECK(session.find("user") == "ada");
  CHECK(session.find("color") == "red");
  CHECK(session.created == kStart + 5);
  REQUIRE(store.read(1, session, 8) == StoreResult::Former);
  CHECK_FALSE(session.find("user"));
  CHECK(session.find("color") == "red");
}

TEST_CASE("the value that a privileged key has already renews nothing",
          "[store][memory][renewal]") {
  Store store;
  store.begin(1, {{"user", "ada"}});
  CHECK(store.write(1, 2, {{"user", "ada"}, {"color", "red"}}).result == StoreResult::Ok);
  CHECK(store.read(2) == StoreResult::Missing);
}

TEST_CASE("a renewal takes what it changes or removes away from the former id",
          "[store][memory][renewal]") {
  Store store;
  store.begin(1, {{"user", "ada"}, {"role", "admin"}, {"color", "red"}});
  REQUIRE(store.write(1, 2, {{"role", ""}}).result == StoreResult::Renewed);
  Session session;
  REQUIRE(store.read(1, session) == StoreResult::Former);
  CHECK(session.find("user") == "ada");
  CHECK_FALSE(session.find("role"));
  REQUIRE(store.read(2, session) == StoreResult::Ok);
  CHECK_FALSE(session.find("role"));
}

TEST_CASE("a former id lasts for thirty seconds and is never touched", "[store][memory][renewal]") {
  Store store;
  store.begin(1, {{"color", "red"}});
  REQUIRE(store.write(1, 2, {}, 0, true).result == StoreResult::Renewed);
  CHECK(store.read(1, 15) == StoreResult::Former);
  CHECK(store.read(1, 30) == StoreResult::Former);
  CHECK(store.read(1, 31) == StoreResult::Missing);
  CHECK(store.read(2, 31) == StoreResult::Ok);
}

TEST_CASE("a former id lasts though its session had little time left", "[store][memory][renewal]") {
  Store store;
  store.begin(1, {{"color", "red"}});
  REQUIRE(store.write(1, 2, {}, 95, true).result == StoreResult::Renewed);
  CHECK(store.read(1, 120) == StoreResult::Former);
  CHECK(store.read(1, 126) == StoreResult::Missing);
}

TEST_CASE("a write under a former id begins a session from what is not privileged",
          "[store][memory][renewal]") {
  Store store;
  store.begin(1, {{"user", "ada"}, {"color", "red"}});
  REQUIRE(store.write(1, 2, {}, 0, true).result == StoreResult::Renewed);
  const StoreWritten written = store.write(1, 3, {{"role", "admin"}}, 10);
  CHECK(written.result == StoreResult::Created);
  CHECK(written.created == kStart + 10);
  Session session;
  REQUIRE(store.read(3, session, 10) == StoreResult::Ok);
  CHECK_FALSE(session.find("user"));
  CHECK(session.find("color") == "red");
  CHECK(session.find("role") == "admin");
  REQUIRE(store.read(2, session, 10) == StoreResult::Ok);
  CHECK_FALSE(session.find("role"));
  SECTION("and where nothing is left, none") {
    CHECK(store.write(1, 4, {{"color", ""}}, 10).result == StoreResult::Emptied);
    CHECK(store.read(1, 10) == StoreResult::Former);
  }
  SECTION("within the limit") {
    CHECK(store.write(1, 4, {{"a", "1"}, {"b", "2"}, {"c", "3"}}, 10).result ==
          StoreResult::TooMany);
  }
}

TEST_CASE("former ids end with their session", "[store][memory][renewal]") {
  Store store;
  store.begin(1, {{"color", "red"}});
  for (std::uint32_t id = 1; id < 4; ++id) {
    REQUIRE(store.write(id, id + 1, {}, 0, true).result == StoreResult::Renewed);
  }
  SECTION("by a reset") {
    result(store.store.erase(id_of(4)));
  }
  SECTION("by an operator") {
    CHECK(result(store.store.end(store_key(id_of(4)))) == StoreResult::Ok);
  }
  SECTION("with its last value") {
    CHECK(store.write(4, 9, {{"color", ""}}).result == StoreResult::Emptied);
  }
  for (std::uint32_t id = 1; id <= 4; ++id) {
    CHECK(store.read(id) == StoreResult::Missing);
  }
  CHECK(store.store.size() == 0);
}

TEST_CASE("a session has at most four former ids", "[store][memory][renewal]") {
  Store store;
  store.begin(1, {{"color", "red"}});
  for (std::uint32_t id = 1; id < 8; ++id) {
    REQUIRE(store.write(id, id + 1, {}, 0, true).result == StoreResult::Renewed);
  }
  CHECK(store.store.size() == 5);
  CHECK(store.read(3) == StoreResult::Missing);
  CHECK(store.read(4) == StoreResult::Former);
}

TEST_CASE("a listing has no former ids", "[store][memory][renewal]") {
  Store store;
  store.begin(1, {{"color", "red"}});
  REQUIRE(store.write(1, 2, {}, 0, true).result == StoreResult::Renewed);
  const StoreListing listing = result(store.store.list("", 10, at(0)));
  REQUIRE(listing.entries.size() == 1);
  CHECK(listing.entries[0].key == store_key(id_of(2)));
}

TEST_CASE("use keeps a session in memory, and follows it to its new id",
          "[store][memory][renewal][lifetime]") {
  Store store;
  store.begin(1, {{"color", "red"}});
  StoreKey key = store_key(id_of(1));
  CHECK(store.use(key, std::nullopt, 90) == StoreResult::Ok);
  CHECK(store.use(key, StoreUse{kStart + 60, kStart + 60}, 90) == StoreResult::Ok);
  CHECK(store.use(key, std::nullopt, 160) == StoreResult::Ok);
  REQUIRE(store.write(1, 2, {}, 160, true).result == StoreResult::Renewed);
  REQUIRE(store.write(2, 3, {}, 160, true).result == StoreResult::Renewed);
  CHECK(store.use(key, std::nullopt, 165) == StoreResult::Ok);
  CHECK(key == store_key(id_of(3)));
  CHECK(store.use(key, std::nullopt, 261) == StoreResult::Missing);
}

TEST_CASE("a request in memory longer than the idle timeout was use all the while",
          "[store][memory][lifetime]") {
  Store store;
  store.begin(1, {{"color", "red"}});
  StoreKey key = store_key(id_of(1));
  SECTION("if the session was alive when it began") {
    CHECK(store.use(key, StoreUse{kStart + 50, kStart + 500}, 500) == StoreResult::Ok);
    CHECK(store.read(1, 600) == StoreResult::Ok);
  }
  SECTION("not if it was over") {
    CHECK(store.use(key, StoreUse{kStart + 101, kStart + 500}, 500) == StoreResult::Missing);
  }
  SECTION("not past the absolute timeout") {
    CHECK(store.use(key, StoreUse{kStart + 50, kStart + 1001}, 1001) == StoreResult::Missing);
  }
  SECTION("not if it has ended meanwhile") {
    result(store.store.erase(id_of(1)));
    CHECK(store.use(key, StoreUse{kStart + 50, kStart + 60}, 60) == StoreResult::Missing);
  }
}
