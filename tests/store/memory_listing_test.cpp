#include <set>

#include "store/memory_store.hpp"
#include "store/support.hpp"
#include "support/catch.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

struct Store {
  MemoryStore store{100'000};

  void begin(std::uint32_t id, const StoreChanges& changes = {{"name", "Ann"}},
             std::int64_t when = 0) {
    const StoreWrite write{
        .fresh = id_of(id), .may_begin = true, .values = changes, .max_values = 32};
    REQUIRE(result(store.change(write, at(when))).result == StoreResult::Created);
  }
  StoreListing list(const std::string& after, std::size_t limit, std::int64_t when = 0) {
    const StoreTimes times = at(when);
    return result(store.list(after, limit, times));
  }
};

}  // namespace

TEST_CASE("a listing tells the stamps and the number of values", "[store][memory][listing]") {
  Store store;
  store.begin(7, {{"a", "1"}, {"b", "2"}}, 3);
  Session session;
  result(store.store.load(id_of(7), at(20), session));
  const StoreListing listing = store.list("", 10, 20);
  REQUIRE(listing.entries.size() == 1);
  CHECK(listing.entries[0].key == store_key(id_of(7)));
  CHECK(listing.entries[0].created == kStart + 3);
  CHECK(listing.entries[0].touched == kStart + 20);
  CHECK(listing.entries[0].values == 2);
  CHECK(listing.next.empty());
}

TEST_CASE("pages of any size have every session once", "[store][memory][listing]") {
  Store store;
  constexpr std::uint32_t kSessions = 500;
  for (std::uint32_t i = 0; i < kSessions; ++i) {
    store.begin(i);
  }
  for (const std::size_t limit :
       {std::size_t{1}, std::size_t{7}, std::size_t{499}, std::size_t{500}, std::size_t{501}}) {
    std::set<StoreKey> seen;
    std::string after;
    std::size_t total = 0;
    do {
      const StoreListing page = store.list(after, limit);
      REQUIRE(page.result == StoreResult::Ok);
      REQUIRE(page.entries.size() <= limit);
      for (const StoreEntry& entry : page.entries) {
        seen.insert(entry.key);
      }
      total += page.entries.size();
      after = page.next;
    } while (!after.empty());
    CHECK(total == kSessions);
    CHECK(seen.size() == kSessions);
  }
}

TEST_CASE("a listing goes on behind a session that has ended meanwhile",
          "[store][memory][listing]") {
  Store store;
  for (std::uint32_t i = 0; i < 50; ++i) {
    store.begin(i);
  }
  const StoreListing first = store.list("", 10);
  const StoreKey last = first.entries.back().key;
  CHECK(result(store.store.end(last)) == StoreResult::Ok);
  CHECK(result(store.store.end(last)) == StoreResult::Missing);
  CHECK(store.list(first.next, 1000).entries.size() == 40);
}

TEST_CASE("what is over is not listed", "[store][memory][listing]") {
  Store store;
  store.begin(1, {{"a", "1"}}, 0);
  store.begin(2, {{"a", "1"}}, 50);
  CHECK(store.list("", 10, 120).entries.size() == 1);
}

TEST_CASE("what is no name of a session is refused", "[store][memory][listing]") {
  Store store;
  for (const std::string& after :
       {std::string{"x"}, std::string(64, 'g'), std::string(64, 'A'), std::string(65, '0')}) {
    CHECK(store.list(after, 10).result == StoreResult::Missing);
  }
}
