#include "session/device_proof.hpp"

#include "session/device_keys.hpp"
#include "support/catch.hpp"

namespace keepsake {
namespace {

using test::TestKey;
using test::url;

std::optional<DeviceProof> parse(std::string_view text,
                                 DeviceProofKind kind = DeviceProofKind::Registration) {
  const char* why = nullptr;
  auto proof = parse_device_proof(text, kind, why);
  REQUIRE(why != nullptr);
  CHECK((proof ? why[0] == '\0' : why[0] != '\0'));
  return proof;
}

std::string header(std::string_view more) {
  return R"({"alg":"ES256","jwk":)" + TestKey::ec("a").jwk() + std::string{more} + "}";
}

std::string signed_by_a(std::string_view head, std::string_view claims = R"({"jti":"c"})") {
  return TestKey::ec("a").jwt(head, claims);
}

TEST_CASE("the registration that Chromium sent is taken, and its signature is right", "[session]") {
  const std::string text =
      url(R"({"alg":"ES256","jwk":{"crv":"P-256","kty":"EC","x":"Idtv66y8NDp3XzoysBiK8tUJYdlGDDmZPpSXsPFyiUA","y":"wjhLAakXE-mCizBUAvCa8Pf2GRBp0kXLaMPVuf1I6jw"},"typ":"dbsc+jwt"})") +
      '.' + url(R"({"authorization":"o6laImeR-eW1","jti":"AU0Ano77PFEj7ZSoUAOzRB9i"})") +
      ".ulKthFwqVvn8jYQkMSdVL_Ib5I0NaMiH34XX7pkFPJUnpwR3gQZWUifGVD2ZEEYtURvqwRSRv43tLLW_hfCDvg";
  const auto proof = parse(text);
  REQUIRE(proof);
  CHECK(proof->challenge == "AU0Ano77PFEj7ZSoUAOzRB9i");
  CHECK(proof->authorization == "o6laImeR-eW1");
  CHECK_FALSE(proof->audience);
  REQUIRE(proof->key);
  CHECK(proof->key->verifies(proof->text, proof->signature));

  const auto refresh = parse(
      "eyJhbGciOiJFUzI1NiIsInR5cCI6ImRic2Mrand0In0.eyJqdGkiOiJIS1QyYXJtM3ZBTUlLOUtPU0xoVEg5S3IifQ."
      "NY6K7VQQPKZmcemiilUKSdMjlMo2UNRRFyGiph9l4JATa4T7IDBQ-8Y3_0_DeK54dJrTat13eqzgpMNr1zFOZA",
      DeviceProofKind::Refresh);
  REQUIRE(refresh);
  CHECK_FALSE(refresh->key);
  CHECK(proof->key->verifies(refresh->text, refresh->signature));
}

TEST_CASE("a proof may be written as a string of structured fields", "[session]") {
  const std::string text = TestKey::ec("a").registration("c");
  CHECK(parse('"' + text + '"'));
  CHECK_FALSE(parse('"' + text));
  CHECK_FALSE(parse(text + '"'));
  CHECK_FALSE(parse("\"\""));
}

TEST_CASE("an RSA key registers", "[session]") {
  const TestKey rsa = TestKey::rsa(2048);
  const std::string text = rsa.registration("c");
  const auto proof = parse(text);
  REQUIRE(proof);
  CHECK(proof->algorithm == DeviceAlgorithm::RS256);
  CHECK(proof->key->verifies(proof->text, proof->signature));
}

TEST_CASE("a header of any other kind is refused", "[session]") {
  CHECK(parse(signed_by_a(header(R"(,"typ":"dbsc+jwt","x5t":"ignored")"))));
  for (const char* more : {R"(,"typ":"JWT")", R"(,"typ":1)", "", R"(,"typ":"dbsc+jwt","crit":[])",
                           R"(,"typ":"dbsc+jwt","b64":false)", R"(,"typ":"dbsc+jwt","alg":"ES256")",
                           R"(,"typ":"dbsc+jwt","a":{"b":{"c":{"d":{"e":1}}}})",
                           R"(,"typ":"dbsc+jwt","a":{"b":1,"b":2})"}) {
    CAPTURE(more);
    CHECK_FALSE(parse(signed_by_a(header(more))));
  }
  for (const char* algorithm :
       {R"("none")", R"("nOnE")", R"("HS256")", R"("RS256")", R"("ES384")", "null", "1"}) {
    CAPTURE(algorithm);
    CHECK_FALSE(parse(signed_by_a(std::string{R"({"alg":)"} + algorithm + R"(,"jwk":)" +
                                  TestKey::ec("a").jwk() + R"(,"typ":"dbsc+jwt"})")));
  }
  CHECK_FALSE(parse(signed_by_a(R"({"jwk":)" + TestKey::ec("a").jwk() + R"(,"typ":"dbsc+jwt"})")));
}

TEST_CASE("a key of another kind, or a private one, is refused", "[session]") {
  const TestKey a = TestKey::ec("a");
  const std::string xy = R"("x":")" + a.x() + R"(","y":")" + a.y() + '"';
  const auto with = [&](const std::string& jwk) {
    return parse(signed_by_a(R"({"alg":"ES256","jwk":)" + jwk + R"(,"typ":"dbsc+jwt"})"));
  };
  CHECK(with(R"({"kty":"EC","crv":"P-256",)" + xy + "}"));
  CHECK_FALSE(with(R"({"kty":"EC","crv":"P-256",)" + xy + R"(,"d":"AQ"})"));
  CHECK_FALSE(with(R"({"kty":"EC","crv":"P-256",)" + xy + R"(,"x":"AQ"})"));
  CHECK_FALSE(with(R"({"kty":"EC","crv":"P-384",)" + xy + "}"));
  CHECK_FALSE(with(R"({"kty":"EC","crv":"secp256k1",)" + xy + "}"));
  CHECK_FALSE(with(R"({"kty":"OKP","crv":"P-256",)" + xy + "}"));
  CHECK_FALSE(with(R"({"kty":"oct","k":"AQAB"})"));
  CHECK_FALSE(with(R"({"kty":"EC","crv":"P-256","x":")" + a.x() + "\"}"));
  CHECK_FALSE(with(R"({"kty":"EC","crv":"P-256","x":1,"y":2})"));
  CHECK_FALSE(with(TestKey::rsa(2048).jwk()));
  CHECK_FALSE(with(R"("text")"));
  CHECK_FALSE(with("null"));
}

TEST_CASE("claims that are no text, given twice or not in UTF-8 are refused", "[session]") {
  const std::string head = header(R"(,"typ":"dbsc+jwt")");
  CHECK(parse(signed_by_a(head, R"({"jti":"c","iat":1,"sub":"a"})")));
  const auto aimed = parse(signed_by_a(head, R"({"jti":"c","aud":"https://a.example/x"})"));
  REQUIRE(aimed);
  CHECK(aimed->audience == "https://a.example/x");
  std::string deep = R"({"jti":"c","a":)";
  deep.append(600, '[').append(600, ']').append("}");
  for (const std::string& claims :
       {std::string{"{}"}, std::string{R"({"jti":""})"}, std::string{R"({"jti":1})"},
        std::string{R"({"jti":null})"}, std::string{R"({"jti":"a","jti":"b"})"},
        std::string{R"({"jti":"a","jt\u0069":"b"})"}, std::string{"[\"jti\"]"},
        std::string{"\"jti\""}, std::string{R"({"jti":"c"} )"} + "x", std::string{R"({"jti":"c")"},
        std::string{"{\"jti\":\"\xff\"}"}, std::string{R"({"jti":"c","aud":1})"},
        std::string{R"({"jti":"c","aud":["https://a.example/x"]})"},
        std::string{R"({"jti":"c","authorization":{}})"}, deep}) {
    CAPTURE(claims);
    CHECK_FALSE(parse(signed_by_a(head, claims)));
  }
}

TEST_CASE("a text that is not three canonical parts is refused", "[session]") {
  const std::string good = TestKey::ec("a").registration("c");
  REQUIRE(parse(good));
  const std::size_t last = good.rfind('.');
  CHECK_FALSE(parse(""));
  CHECK_FALSE(parse(".."));
  CHECK_FALSE(parse("a.b.c"));
  CHECK_FALSE(parse(good.substr(0, last)));
  CHECK_FALSE(parse(good + ".AQ"));
  CHECK_FALSE(parse(good + '='));
  CHECK_FALSE(parse(good + ' '));
  CHECK_FALSE(parse(' ' + good));
  CHECK_FALSE(parse(good.substr(0, last + 1)));
  std::string classic = good;
  classic[last + 1] = '+';
  CHECK_FALSE(parse(classic));
  CHECK_FALSE(parse(
      signed_by_a(header(R"(,"typ":"dbsc+jwt")"), R"({"jti":")" + std::string(8192, 'c') + "\"}")));
}

}  // namespace
}  // namespace keepsake
