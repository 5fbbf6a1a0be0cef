#include "session/key_ring.hpp"
#include "session/key_use.hpp"

#include "session/support.hpp"
#include "support/catch.hpp"

namespace keepsake {

TEST_CASE("keys and ids are HKDF-SHA256 of the secret's own bytes", "[session][keys]") {
  // Computed with an independent implementation of RFC 5869; a compatibility promise.
  const KeyRing keys({test::kSecretA, test::kSecretB});
  REQUIRE(keys.size() == 2);
  CHECK(test::hex(keys.at(0).sealing) ==
        "d077a740e00009d4b293edfd2873e7ff3a40cbefa9246458d3ec0c0f5c69754b");
  CHECK(keys.id_hex(0) == "d0b649af");
  CHECK(test::hex(keys.at(1).sealing) ==
        "785033d1f0d2b21489ec2c3c2bcc36744250d6ea8b6420313a81f1e094df0fe0");
  CHECK(keys.id_hex(1) == "7a8f62b7");
}

TEST_CASE("the Flask key is HMAC-SHA1 of Flask's salt", "[session][keys][flask]") {
  const KeyRing keys({std::string("dev-secret-key")});
  CHECK(keys.flask_size() == 20);
  CHECK(test::hex(keys.at(0).flask_signing).substr(0, 40) ==
        "71009d16d198ed703005b52dd74858969d57a0be");
}

TEST_CASE("a key is found by its id, and the next one of the same id after it", "[session][keys]") {
  const KeyRing keys({test::kSecretA, test::kSecretB, test::kSecretA});
  CHECK(keys.find(keys.at(0).id) == 0u);
  CHECK(keys.find(keys.at(0).id, 1) == 2u);
  CHECK_FALSE(keys.find(keys.at(0).id, 3));
  CHECK(keys.find(keys.at(1).id) == 1u);
  CHECK_FALSE(keys.find(KeyId{0, 0, 0, 0}));
}

TEST_CASE("a trailing line end would be another key: cutting it is the loader's part",
          "[session][keys]") {
  const KeyRing keys({std::string("x"), std::string("x\n")});
  CHECK(keys.at(0).sealing != keys.at(1).sealing);
}

TEST_CASE("each key's uses are counted under its id through every reload", "[session][keys]") {
  const std::string a = "first-secret-for-tests-0123456789abcdef", b = "second-" + a,
                    c = "third-" + a;
  const KeyRing old{{a, b}}, next{{c, a}};
  KeyUse use;
  const auto first = use.cells_of(old);
  REQUIRE(first.size() == 2);
  KeyUse::count(*first[0]);
  KeyUse::count(*first[1]);
  KeyUse::count(*first[1]);
  const auto second = use.cells_of(next);
  CHECK(second[1] == first[0]);
  KeyUse::count(*second[1]);
  CHECK(use.opened(old.at(0).id) == 2);
  CHECK(use.opened(old.at(1).id) == 2);
  CHECK(use.opened(next.at(0).id) == 0);
  CHECK(use.opened(KeyId{}) == 0);
}

}  // namespace keepsake
