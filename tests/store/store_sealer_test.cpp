#include "store/store_sealer.hpp"

#include "store/support.hpp"
#include "support/catch.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

std::shared_ptr<const KeyRing> ring(const std::vector<std::string>& secrets) {
  return std::make_shared<const KeyRing>(secrets);
}
const std::string kA = "first-secret-for-tests-0123456789abcdef";
const std::string kB = "second-secret-for-tests-fedcba9876543210";

}  // namespace

TEST_CASE("a value for the store is sealed and opens again", "[store][seal]") {
  Random random;
  StoreSealer sealer(ring({kA}), random);
  const StoreKey session = store_key(id_of(1));
  const std::string value = GENERATE(std::string{"Alice"}, std::string{}, std::string(5000, 'x'),
                                     std::string{"\0\xff\r\n", 4});
  const std::string sealed = sealer.seal(session, "v:name", value);
  CHECK(sealed.size() == 45 + value.size());
  CHECK(sealed != sealer.seal(session, "v:name", value));
  if (value.size() > 3) {
    CHECK(sealed.find(value) == std::string::npos);
  }
  const auto opened = sealer.open(session, "v:name", sealed);
  REQUIRE(opened);
  CHECK(opened->text == value);
  CHECK(opened->key_index == 0);
}

TEST_CASE("a sealed value opens nowhere else and after no change", "[store][seal]") {
  Random random;
  StoreSealer sealer(ring({kA}), random);
  const StoreKey session = store_key(id_of(1));
  const std::string sealed = sealer.seal(session, "v:name", "Alice");
  CHECK_FALSE(sealer.open(store_key(id_of(2)), "v:name", sealed));
  CHECK_FALSE(sealer.open(session, "v:nam", sealed));
  CHECK_FALSE(sealer.open(session, "v:color", sealed));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK_FALSE(sealer.open(session, "v:name", changed));
    CHECK_FALSE(sealer.open(session, "v:name", std::string_view{sealed}.substr(0, i)));
  }
  CHECK_FALSE(sealer.open(session, "v:name", sealed + "x"));
  CHECK(sealer.open(session, "v:name", sealed));
}

TEST_CASE("every secret opens a stored value, the first one seals", "[store][seal][rotation]") {
  Random random;
  const StoreKey session = store_key(id_of(1));
  StoreSealer old(ring({kA}), random);
  StoreSealer both(ring({kB, kA}), random);
  StoreSealer fresh(ring({kB}), random);
  const std::string sealed = old.seal(session, "v:name", "Alice");
  const auto opened = both.open(session, "v:name", sealed);
  REQUIRE(opened);
  CHECK(opened->text == "Alice");
  CHECK(opened->key_index == 1);
  CHECK_FALSE(fresh.open(session, "v:name", sealed));
  const auto again = fresh.open(session, "v:name", both.seal(session, "v:name", "Alice"));
  REQUIRE(again);
  CHECK(again->key_index == 0);
}

TEST_CASE("a session's name in a store is the SHA-256 of its id", "[store][seal]") {
  SessionId id{};
  std::string name;
  append_store_key(id, name);
  CHECK(name ==
        "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb");  // of 16 zero bytes
}
