#include "session/device_seals.hpp"

#include "session/device_keys.hpp"
#include "session/device_proof.hpp"
#include "session/sealed_codec.hpp"
#include "session/support.hpp"
#include "support/catch.hpp"

namespace keepsake {
namespace {

using test::CountingRandom;
using test::kSecretA;
using test::kSecretB;
using test::ring;
using test::TestKey;

DeviceKey public_part(const TestKey& secret) {
  const std::string text = secret.registration("c");
  const char* why = nullptr;
  auto proof = parse_device_proof(text, DeviceProofKind::Registration, why);
  REQUIRE(proof);
  return std::move(*proof->key);
}

struct Fixture {
  explicit Fixture(std::vector<std::string> secrets = {kSecretA}, std::string_view name = "session")
      : seals(ring(std::move(secrets)), name, random) {}
  std::string proof() {
    std::string text;
    seals.seal_proof({id, binding, 1'700'000'000}, text);
    return text;
  }
  std::string challenge() {
    std::string text;
    seals.seal_challenge({id, binding, 1'700'000'000, ChallengePurpose::Refresh}, text);
    return text;
  }
  std::string identifier(const TestKey& key) {
    std::string text;
    seals.seal_identifier(binding, 1'700'000'000, public_part(key), text);
    return text;
  }

  CountingRandom random;
  DeviceSeals seals;
  SessionId id{1, 2, 3};
  BindingId binding{4, 5, 6};
};

TEST_CASE("what a device is given opens as what it was", "[session]") {
  Fixture fixture;
  const auto proof = fixture.seals.open_proof(fixture.proof());
  REQUIRE(proof);
  CHECK(proof->session == fixture.id);
  CHECK(proof->binding == fixture.binding);
  CHECK(proof->expires == 1'700'000'000);

  const auto challenge = fixture.seals.open_challenge(fixture.challenge());
  REQUIRE(challenge);
  CHECK(challenge->session == fixture.id);
  CHECK(challenge->binding == fixture.binding);
  CHECK(challenge->issued == 1'700'000'000);
  CHECK(challenge->purpose == ChallengePurpose::Refresh);

  for (const bool ec : {true, false}) {
    const TestKey key = ec ? TestKey::ec("a") : TestKey::rsa(4096);
    const auto identifier = fixture.seals.open_identifier(fixture.identifier(key));
    REQUIRE(identifier);
    CHECK(identifier->binding == fixture.binding);
    CHECK(identifier->created == 1'700'000'000);
    CHECK(identifier->key_index == 0);
    CHECK(identifier->key->verifies("text", key.sign("text")));
  }
}

TEST_CASE("a sealed value never opens as one of another kind", "[session]") {
  Fixture fixture;
  const std::string proof = fixture.proof();
  const std::string challenge = fixture.challenge();
  const std::string identifier = fixture.identifier(TestKey::ec("a"));
  CHECK_FALSE(fixture.seals.open_challenge(proof));
  CHECK_FALSE(fixture.seals.open_identifier(proof));
  CHECK_FALSE(fixture.seals.open_proof(challenge));
  CHECK_FALSE(fixture.seals.open_identifier(challenge));
  CHECK_FALSE(fixture.seals.open_proof(identifier));
  CHECK_FALSE(fixture.seals.open_challenge(identifier));

  SealedCodec codec{ring({kSecretA}), "session", fixture.random};
  Session session;
  for (const std::string& text : {proof, challenge, identifier}) {
    CHECK(codec.open(text, "", session).status != OpenStatus::Ok);
  }
  session.reset();
  session.has_id = true;
  std::string cookie;
  REQUIRE(codec.seal(session, "", cookie) != 0);
  CHECK_FALSE(fixture.seals.open_proof(cookie));
  CHECK_FALSE(fixture.seals.open_challenge(cookie));
  CHECK_FALSE(fixture.seals.open_identifier(cookie));
}

TEST_CASE("a sealed value opens under its cookie's name and one of the secrets alone",
          "[session]") {
  Fixture fixture;
  const std::string proof = fixture.proof();
  CHECK_FALSE(Fixture({kSecretA}, "other").seals.open_proof(proof));
  CHECK_FALSE(Fixture({kSecretB}).seals.open_proof(proof));
  CHECK(Fixture({kSecretB, kSecretA}).seals.open_proof(proof));
  const auto identifier =
      Fixture({kSecretB, kSecretA}).seals.open_identifier(fixture.identifier(TestKey::ec("a")));
  REQUIRE(identifier);
  CHECK(identifier->key_index == 1);
}

TEST_CASE("a sealed value with any byte changed, cut or added is refused", "[session]") {
  Fixture fixture;
  const std::string proof = fixture.proof();
  for (std::size_t i = 0; i < proof.size(); ++i) {
    std::string changed = proof;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(fixture.seals.open_proof(changed));
  }
  for (std::size_t size = 0; size < proof.size(); ++size) {
    CHECK_FALSE(fixture.seals.open_proof(proof.substr(0, size)));
  }
  CHECK_FALSE(fixture.seals.open_proof(proof + "A"));
  CHECK_FALSE(fixture.seals.open_proof(std::string(5000, 'A')));
}

TEST_CASE("the cookie of a proof stands beside the session's, under its prefix", "[session]") {
  CHECK(DeviceSeals::cookie_beside("__Host-session") == "__Host-session-bound");
}

}  // namespace
}  // namespace keepsake
