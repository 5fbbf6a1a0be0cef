#include "session/device_key.hpp"

#include "session/device_keys.hpp"
#include "support/catch.hpp"

namespace keepsake {
namespace {

using test::TestKey;
using Bytes = std::vector<std::uint8_t>;

Bytes decoded(std::string_view text) {
  Bytes bytes(base64url_decoded_size(text.size()));
  REQUIRE(base64url_decode(text, bytes) == bytes.size());
  return bytes;
}

// P-256: the prime and the order.
constexpr std::string_view kPrime = "_____wAAAAEAAAAAAAAAAAAAAAD_______________8";
constexpr std::string_view kOrder = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";

TEST_CASE("a device's key has the coordinates and the name of its private part", "[session]") {
  const TestKey secret = TestKey::ec("keepsake dbsc test key 1");
  CHECK(secret.x() == "Q_pTRIkDOXJPCWq9-5zw0tLqdQlRh1zsiGCsG9O_aOY");
  CHECK(secret.y() == "dlutuM9ehcOecH4ikV1V0hZJtkhzmrCcA06PeKbiIU0");
  const auto key = DeviceKey::from_point(decoded(secret.x()), decoded(secret.y()));
  REQUIRE(key);
  CHECK(key->thumbprint() == "ocyDZl4NG0h63vB71ikWtYUh48eRntbsfhCR7v5fvHk");
}

TEST_CASE("the key of RFC 7638 has the name that it gives", "[session]") {
  const auto key = DeviceKey::from_modulus(
      decoded(
          "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSo"
          "c_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGj"
          "QR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
          "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"),
      decoded("AQAB"));
  REQUIRE(key);
  CHECK(key->thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST_CASE("a signature counts for its own text and key alone", "[session]") {
  const TestKey ec = TestKey::ec("a");
  const TestKey other = TestKey::ec("b");
  const auto key = DeviceKey::from_point(decoded(ec.x()), decoded(ec.y()));
  REQUIRE(key);
  const Bytes signature = ec.sign("text");
  CHECK(key->verifies("text", signature));
  CHECK_FALSE(key->verifies("texT", signature));
  CHECK_FALSE(key->verifies("text", other.sign("text")));
  for (const std::size_t at : {0UL, 31UL, 32UL, 63UL}) {
    Bytes changed = signature;
    changed[at] ^= 1;
    CHECK_FALSE(key->verifies("text", changed));
  }

  const TestKey rsa = TestKey::rsa(2048);
  const auto large =
      DeviceKey::from_modulus(decoded(rsa.number(OSSL_PKEY_PARAM_RSA_N)), Bytes{1, 0, 1});
  REQUIRE(large);
  CHECK(large->verifies("text", rsa.sign("text")));
  CHECK_FALSE(large->verifies("text", signature));
  CHECK_FALSE(key->verifies("text", rsa.sign("text")));
}

TEST_CASE("numbers that are no signature of P-256 are refused", "[session]") {
  const TestKey ec = TestKey::ec("a");
  const auto key = DeviceKey::from_point(decoded(ec.x()), decoded(ec.y()));
  REQUIRE(key);
  const Bytes good = ec.sign("text");
  const Bytes order = decoded(kOrder);
  const auto with = [&](const Bytes& r, const Bytes& s) {
    Bytes both = r;
    both.insert(both.end(), s.begin(), s.end());
    return both;
  };
  const Bytes r(good.begin(), good.begin() + 32);
  const Bytes s(good.begin() + 32, good.end());
  const Bytes zero(32, 0);
  CHECK_FALSE(key->verifies("text", with(zero, s)));
  CHECK_FALSE(key->verifies("text", with(r, zero)));
  CHECK_FALSE(key->verifies("text", with(r, order)));
  CHECK_FALSE(key->verifies("text", with(order, s)));
  CHECK_FALSE(key->verifies("text", Bytes(64, 0)));
  CHECK_FALSE(key->verifies("text", Bytes(good.begin(), good.end() - 1)));
  CHECK_FALSE(key->verifies("text", with(good, Bytes{0})));
  CHECK_FALSE(key->verifies("text", {}));
}

TEST_CASE("points that are none of P-256 are refused", "[session]") {
  const TestKey ec = TestKey::ec("a");
  const Bytes x = decoded(ec.x());
  const Bytes y = decoded(ec.y());
  Bytes off = y;
  off.back() ^= 1;
  CHECK_FALSE(DeviceKey::from_point(x, off));
  CHECK_FALSE(DeviceKey::from_point(Bytes(32, 0), Bytes(32, 0)));
  CHECK_FALSE(DeviceKey::from_point(decoded(kPrime), y));
  CHECK_FALSE(DeviceKey::from_point(Bytes(x.begin(), x.end() - 1), y));
  Bytes longer = y;
  longer.insert(longer.begin(), 0);
  CHECK_FALSE(DeviceKey::from_point(x, longer));
  CHECK_FALSE(DeviceKey::from_point({}, {}));
}

TEST_CASE("moduli that are too small, too large, even or of another exponent are refused",
          "[session]") {
  const Bytes three{3};
  const Bytes usual{1, 0, 1};
  const auto modulus = [](unsigned bits) {
    return decoded(TestKey::rsa(bits).number(OSSL_PKEY_PARAM_RSA_N));
  };
  const Bytes good = modulus(2048);
  CHECK(DeviceKey::from_modulus(good, usual));
  CHECK_FALSE(DeviceKey::from_modulus(good, three));
  CHECK_FALSE(DeviceKey::from_modulus(good, Bytes{1}));
  CHECK_FALSE(DeviceKey::from_modulus(good, Bytes{0, 1, 0, 1}));
  CHECK_FALSE(DeviceKey::from_modulus(modulus(1024), usual));
  CHECK_FALSE(DeviceKey::from_modulus(Bytes(2048, 0xFF), usual));
  Bytes even = good;
  even.back() &= 0xFE;
  CHECK_FALSE(DeviceKey::from_modulus(even, usual));
  Bytes led = good;
  led.insert(led.begin(), 0);
  CHECK_FALSE(DeviceKey::from_modulus(led, usual));
  CHECK_FALSE(DeviceKey::from_modulus({}, usual));
}

TEST_CASE("a key comes back from the bytes that it was kept as", "[session]") {
  for (const std::string_view seed : {"a", "b", "c", "d"}) {
    const TestKey ec = TestKey::ec(seed);
    const auto key = DeviceKey::from_point(decoded(ec.x()), decoded(ec.y()));
    Bytes kept;
    key->append_to(kept);
    CHECK(kept.size() == 33);
    const auto again = DeviceKey::from_bytes(DeviceAlgorithm::ES256, kept);
    REQUIRE(again);
    CHECK(again->thumbprint() == key->thumbprint());
    CHECK(again->verifies("text", ec.sign("text")));
    CHECK_FALSE(DeviceKey::from_bytes(DeviceAlgorithm::RS256, kept));
    kept[0] = 4;
    CHECK_FALSE(DeviceKey::from_bytes(DeviceAlgorithm::ES256, kept));
  }
  CHECK_FALSE(DeviceKey::from_bytes(static_cast<DeviceAlgorithm>(3), Bytes(33, 2)));
}

}  // namespace
}  // namespace keepsake
