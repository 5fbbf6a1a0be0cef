#include "session/flask_codec.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <zlib.h>

#include "base/base64url.hpp"
#include "session/codec_factory.hpp"
#include "session/lifetime.hpp"
#include "session/support.hpp"
#include "support/catch.hpp"

namespace keepsake {
namespace {

using test::Pairs;
using test::pairs_of;
using test::ring;

constexpr std::int64_t kStamp = 1'700'000'000;
const std::string kSecret = "dev-secret-key";

std::string b64(std::string_view text) {
  std::string out;
  base64url_encode({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, out);
  return out;
}

// Signs anything at all, as only the owner of the secret could.
std::string signed_text(const std::string& text) {
  const KeyRing keys({kSecret});
  const auto& key = keys.at(0).flask_signing;
  std::array<unsigned char, 20> mac{};
  unsigned size = 0;
  HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size);
  return text + "." + b64({reinterpret_cast<const char*>(mac.data()), size});
}

std::string cookie_of(std::string_view json) {
  return signed_text(b64(json) + ".ZVPxAA");
}

std::string deflated(std::string_view plain) {
  std::string packed(compressBound(plain.size()), '\0');
  uLongf size = packed.size();
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(plain.data()), plain.size());
  packed.resize(size);
  return packed;
}

struct Fixture {
  explicit Fixture(std::vector<std::string> secrets = {kSecret})
      : codec(ring(std::move(secrets))) {}

  OpenStatus open(std::string_view cookie) {
    opened = codec.open(cookie, "", session);
    return opened.status;
  }
  std::string seal(const Session& what) {
    std::string cookie;
    const std::size_t size = codec.seal(what, "", cookie);
    REQUIRE(size == cookie.size());
    return cookie;
  }
  // The JSON that the session would be sealed as.
  std::string json() {
    const std::string cookie = seal(session);
    Session again;
    REQUIRE(codec.open(cookie, "", again).status == OpenStatus::Ok);
    return again.codec_state;
  }

  FlaskCodec codec;
  Session session;
  Opened opened;
};

Session flask_session(const Pairs& pairs, std::int64_t stamp = kStamp) {
  Session session = test::session_of(pairs, stamp, stamp);
  session.has_id = false;
  return session;
}

const std::string kAllTags =
    R"({"a":[1,{" t":[2,3]}],"b":{" b":"/wA="},"dt":{" d":"Tue, 02 Jan 2024 03:04:05 GMT"},"m":{" m":"<b>"},)"
    R"("t":{" di":{" t__":1}},"u":{" u":"12345678123456781234567812345678"},"z":1})";
const std::string kAllTagsCookie =
    ".eJyrVkpUsoo21KlWUigBMox0jGNrY3WUkpSsgCJAUkm_"
    "3NFWqVZHKaUELJQCFAopTdVRMDBS8ErMUzAyMDJRMDC2MjCxMjBVcPcNAanNBSsFkko2"
    "SXYgAajeTDBVEh-vZGVYCxQuBfOBpJKhkbGJqZm5BS4aZEgVSBcAQJQrOA.ZVPxAA.YW8o2TfdW-NMBp7KuGjukMnQNJ0";

}  // namespace

TEST_CASE("cookies are Flask's own, byte for byte, in both directions (S-13)", "[session][flask]") {
  auto [pairs, cookie] = GENERATE(table<Pairs, std::string>({
      {Pairs{{"name", "Alice"}}, "eyJuYW1lIjoiQWxpY2UifQ.ZVPxAA.o4DXrMVMuQetpO2TvUnv6cCgNBA"},
      {Pairs{{"name", "Zoë 🎉"}},
       "eyJuYW1lIjoiWm9cdTAwZWIgXHVkODNjXHVkZjg5In0.ZVPxAA.NKKeJ10bdz84RNnA2ttfyZj9INY"},
      {Pairs{{"name", std::string(60, 'A')}},
       ".eJyrVspLzE1VslJypAAo1QIAqSgSmA.ZVPxAA.YIVmk-Gy76n9GzpyIpRp2jHdGwk"},
      {Pairs{}, "e30.ZVPxAA.uawscPakflvsdDJq7ukJ8G0X1_c"},
  }));
  Fixture fixture;
  CHECK(fixture.seal(flask_session(pairs)) == cookie);
  REQUIRE(fixture.open(cookie) == OpenStatus::Ok);
  CHECK(pairs_of(fixture.session) == pairs);
  CHECK(fixture.session.created == kStamp);
  CHECK(fixture.session.touched == kStamp);
  CHECK_FALSE(fixture.session.has_id);
  CHECK(fixture.seal(fixture.session) == cookie);
}

TEST_CASE("a permanent session stays permanent when a name is set", "[session][flask]") {
  Fixture fixture;
  const std::string cookie =
      "eyJfcGVybWFuZW50Ijp0cnVlLCJuYW1lIjoiQm9iIn0.ZVPxAA.YqLocH1NBIaT7IGaCHq2A9vNTcg";
  REQUIRE(fixture.open(cookie) == OpenStatus::Ok);
  CHECK(pairs_of(fixture.session) == Pairs{{"_permanent", "true"}, {"name", "Bob"}});
  CHECK(fixture.seal(fixture.session) == cookie);
  fixture.session.set("name", "Eve");
  CHECK(fixture.json() == R"({"_permanent":true,"name":"Eve"})");
}

TEST_CASE("values of every type Flask knows survive untouched and appear as text",
          "[session][flask]") {
  Fixture fixture;
  REQUIRE(fixture.open(kAllTagsCookie) == OpenStatus::Ok);
  CHECK(fixture.session.codec_state == kAllTags);
  CHECK(pairs_of(fixture.session) == Pairs{{"a", R"([1,{" t":[2,3]}])"},
                                           {"b", "/wA="},
                                           {"dt", "Tue, 02 Jan 2024 03:04:05 GMT"},
                                           {"m", "<b>"},
                                           {"t", R"({" di":{" t__":1}})"},
                                           {"u", "12345678123456781234567812345678"},
                                           {"z", "1"}});
  CHECK(fixture.seal(fixture.session) == kAllTagsCookie);
}

TEST_CASE("only what was set becomes a string, only what was erased goes", "[session][flask]") {
  Fixture fixture;
  const std::string json =
      R"({"big":123456789012345678901234567890,"f":1.50,"gone":1,"l":[1, 2],"n":null,"nan":NaN,"no":false,"s":"x","t":true})";
  REQUIRE(fixture.open(cookie_of(json)) == OpenStatus::Ok);
  CHECK(pairs_of(fixture.session) == Pairs{{"big", "123456789012345678901234567890"},
                                           {"f", "1.50"},
                                           {"gone", "1"},
                                           {"l", "[1, 2]"},
                                           {"nan", "NaN"},
                                           {"no", "false"},
                                           {"s", "x"},
                                           {"t", "true"}});
  CHECK(fixture.json() == json);
  fixture.session.set("f", "2");
  fixture.session.set("s", "é");
  fixture.session.set("new", "\"");
  fixture.session.erase("gone");
  CHECK(
      fixture.json() ==
      R"({"big":123456789012345678901234567890,"f":"2","l":[1, 2],"n":null,"nan":NaN,"new":"\"","no":false,"s":"\u00e9","t":true})");
}

TEST_CASE("what cannot appear is kept until something is set in its place", "[session][flask]") {
  Fixture fixture;
  const std::string json = R"({"a":null,"half":"\ud83c","\udc00":"x"})";
  REQUIRE(fixture.open(cookie_of(json)) == OpenStatus::Ok);
  CHECK(fixture.session.empty());
  CHECK(fixture.json() == json);
  fixture.session.set("a", "1");
  fixture.session.set("half", "whole");
  CHECK(fixture.json() == R"({"a":"1","half":"whole","\udc00":"x"})");
}

TEST_CASE("what does not appear is counted, and forgotten by its key alone", "[session][flask]") {
  Fixture fixture;
  REQUIRE(fixture.open(cookie_of(R"({"a":null,"half":"\ud83c","n":5,"\udc00":"x"})")) ==
          OpenStatus::Ok);
  CHECK(fixture.session.hidden == 3);
  CHECK_FALSE(fixture.session.bare());
  CHECK_FALSE(fixture.codec.forget(fixture.session, "n"));  // it appears
  CHECK_FALSE(fixture.codec.forget(fixture.session, "b"));
  CHECK(fixture.codec.forget(fixture.session, "a"));
  CHECK_FALSE(fixture.codec.forget(fixture.session, "a"));
  CHECK(fixture.codec.forget(fixture.session, "half"));
  CHECK(fixture.json() == R"({"n":5,"\udc00":"x"})");
  fixture.session.erase("n");
  CHECK(fixture.session.empty());
  CHECK_FALSE(fixture.session.bare());
  CHECK(fixture.json() == R"({"\udc00":"x"})");
  REQUIRE(fixture.open(cookie_of(R"({" di":{" d__":null}})")) == OpenStatus::Ok);  // a tag alone
  CHECK(fixture.codec.forget(fixture.session, " d"));
  CHECK(fixture.session.bare());
}

TEST_CASE("salt and digest are those of the applications", "[session][flask]") {
  const auto [digest, cookie] = GENERATE(table<FlaskConfig::Digest, std::string>({
      {FlaskConfig::Digest::Sha1, "eyJuYW1lIjoiQWxpY2UifQ.ZVPxAA.RTqgKK3CmtrwSXwg-VKTPNTbi8I"},
      {FlaskConfig::Digest::Sha256,
       "eyJuYW1lIjoiQWxpY2UifQ.ZVPxAA.l92fBQgrupQBEmsWWJuPaO8-zQEBeARTYkAggqkDs7Q"},
      {FlaskConfig::Digest::Sha384,
       "eyJuYW1lIjoiQWxpY2UifQ.ZVPxAA.09l8bVePPJGvfxX5qOpByVFTITRrf0egm-jbmI-"
       "dz9PKLt2Jfiqkwl4-K1btQHF1"},
      {FlaskConfig::Digest::Sha512,
       "eyJuYW1lIjoiQWxpY2UifQ.ZVPxAA.9H98rl0ZhSnqJaKLOFnngryHwEUC961meTV80xogeLwhMaleYX1K3FHG0td"
       "EiSYLyiRWWvZK1Z6xkMfj8JOonA"},
  }));
  CAPTURE(cookie);
  FlaskConfig config;
  config.salt = "my salt";
  config.digest = digest;
  FlaskCodec codec(std::make_shared<const KeyRing>(std::vector{test::kSecretA}, config));
  Session session;
  REQUIRE(codec.open(cookie, "", session).status == OpenStatus::Ok);
  CHECK(pairs_of(session) == Pairs{{"name", "Alice"}});
  std::string again;
  codec.seal(session, "", again);
  CHECK(again == cookie);
  CHECK(codec.knows(cookie));
  FlaskCodec usual(test::ring({test::kSecretA}));
  CHECK(usual.open(cookie, "", session).status != OpenStatus::Ok);
  CHECK_FALSE(usual.knows(cookie));
}

TEST_CASE("setting the text that a number has already leaves it a number", "[session][flask]") {
  Fixture fixture;
  REQUIRE(fixture.open(cookie_of(R"({"n":5})")) == OpenStatus::Ok);
  CHECK_FALSE(fixture.session.set("n", "5"));
  CHECK(fixture.json() == R"({"n":5})");
}

TEST_CASE("reset leaves nothing of the old cookie behind", "[session][flask]") {
  Fixture fixture;
  REQUIRE(fixture.open(cookie_of(R"({"a":null,"b":[1],"c":"x"})")) == OpenStatus::Ok);
  fixture.session.reset();
  fixture.session.set("name", "Eve");
  fixture.session.created = fixture.session.touched = kStamp;
  CHECK(fixture.json() == R"({"name":"Eve"})");
}

TEST_CASE("keys come out in the order of their code points as Flask sorts them",
          "[session][flask]") {
  Fixture fixture;
  REQUIRE(fixture.open(cookie_of(R"({"z":1,"\uffff":2,"\ud83c\udf89":3,"a":4,"\u00eb":5})")) ==
          OpenStatus::Ok);
  CHECK(fixture.json() == R"({"a":4,"z":1,"\u00eb":5,"\uffff":2,"\ud83c\udf89":3})");
}

TEST_CASE("a session whose only key is a tag is wrapped as Flask wraps it", "[session][flask]") {
  const std::string tag = GENERATE(values<std::string>({" di", " t", " b", " m", " u", " d"}));
  Fixture fixture;
  const std::string wrapped = R"({" di":{")" + tag + R"(__":"x"}})";
  const std::string cookie = fixture.seal(flask_session({{tag, "x"}}));
  CHECK(cookie == cookie_of(wrapped));
  REQUIRE(fixture.open(cookie) == OpenStatus::Ok);
  CHECK(pairs_of(fixture.session) == Pairs{{tag, "x"}});
  CHECK(fixture.seal(fixture.session) == cookie);
  fixture.session.set("other", "y");
  CHECK(fixture.seal(fixture.session) == cookie_of(R"({")" + tag + R"(":"x","other":"y"})"));
}

TEST_CASE("a session that is no dict in Flask's eyes is malformed", "[session][flask]") {
  const std::string json = GENERATE(values<std::string>(
      {"[]", "\"x\"", "1", "null", R"({" t":[1]})", R"({" b":"eA=="})", R"({" di":1})",
       R"({" di":{}})", R"({" di":{"x":1}})", R"({" di":{"a__":1,"b__":2}})"}));
  INFO(json);
  Fixture fixture;
  CHECK(fixture.open(cookie_of(json)) == OpenStatus::Malformed);
  CHECK(fixture.session.empty());
}

TEST_CASE("with any character of a Flask cookie changed it does not open (S-7)",
          "[session][flask]") {
  Fixture fixture;
  // Flask takes four spellings of the last character; only the canonical one is taken here.
  const std::string cookie = "eyJuYW1lIjoiQWxpY2UifQ.ZVPxAA.o4DXrMVMuQetpO2TvUnv6cCgNBA";
  for (std::size_t i = 0; i < cookie.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = cookie;
      changed[i] = static_cast<char>(byte);
      if (changed != cookie) {
        REQUIRE(fixture.codec.open(changed, "", fixture.session).status != OpenStatus::Ok);
        REQUIRE(fixture.session.empty());
        REQUIRE(fixture.session.codec_state.empty());
      }
    }
  }
  for (std::size_t size = 0; size < cookie.size(); ++size) {
    REQUIRE(fixture.open(cookie.substr(0, size)) != OpenStatus::Ok);
    REQUIRE(fixture.open(cookie.substr(size + 1)) != OpenStatus::Ok);
  }
  for (const char* more : {"=", "A", ".", " ", "\""}) {
    REQUIRE(fixture.open(cookie + more) != OpenStatus::Ok);
    REQUIRE(fixture.open(more + cookie) != OpenStatus::Ok);
  }
}

TEST_CASE("why a Flask cookie does not open is told (S-8)", "[session][flask]") {
  Fixture fixture;
  CHECK(fixture.open("") == OpenStatus::Malformed);
  CHECK(fixture.open("..") == OpenStatus::Malformed);
  CHECK(fixture.open("e30.ZVPxAA.uawscPakflvsdDJq7ukJ8G0X1_d") ==
        OpenStatus::Malformed);  // stray bits
  CHECK(fixture.open("e30.ZVPxAA.vawscPakflvsdDJq7ukJ8G0X1_c") == OpenStatus::UnknownKey);
  CHECK(fixture.open(std::string(16 * 1024, 'A')) == OpenStatus::Malformed);
  CHECK(fixture.open(std::string(16 * 1024, '.')) == OpenStatus::Malformed);
  CHECK(fixture.open(signed_text(b64(R"({"a":")" + std::string(4096, 'x') + "\"}") + ".ZVPxAA")) ==
        OpenStatus::Malformed);
}

TEST_CASE("signed but wrong stamps are malformed", "[session][flask]") {
  const std::string stamp = GENERATE(values<std::string>(
      {"", "____________", "TgPVoaGhoQ", "AGVT8QA", "ZVPxAA=", "ZVPxAB", "Zé"}));
  INFO(stamp);
  Fixture fixture;
  CHECK(fixture.open(signed_text("e30." + stamp)) == OpenStatus::Malformed);
}

TEST_CASE("a payload without a stamp is malformed", "[session][flask]") {
  Fixture fixture;
  CHECK(fixture.open(signed_text("e30")) == OpenStatus::Malformed);
  CHECK(fixture.open(signed_text("")) == OpenStatus::Malformed);
  CHECK(fixture.open(signed_text(".ZVPxAA")) == OpenStatus::Malformed);
}

TEST_CASE("text that is not UTF-8 is malformed, UTF-8 that is not escaped is not",
          "[session][flask]") {
  Fixture fixture;
  CHECK(fixture.open(cookie_of("{\"a\":\"\xff\"}")) == OpenStatus::Malformed);
  REQUIRE(fixture.open(cookie_of("{\"é\":\"é\"}")) == OpenStatus::Ok);
  CHECK(pairs_of(fixture.session) == Pairs{{"é", "é"}});
}

TEST_CASE("a deflate bomb under a valid signature stops at 64 KiB (S-11)", "[session][flask]") {
  Fixture fixture;
  const auto inflating_to = [](std::size_t size) {
    return signed_text("." + b64(deflated(R"({"a":")" + std::string(size - 8, 'x') + R"("})")) +
                       ".ZVPxAA");
  };
  CHECK(fixture.open(inflating_to(FlaskCodec::kMaxJson)) == OpenStatus::Ok);
  CHECK(fixture.open(inflating_to(FlaskCodec::kMaxJson + 1)) == OpenStatus::Malformed);
  CHECK(fixture.open(inflating_to(2'000'000)) == OpenStatus::Malformed);
  CHECK(fixture.open(inflating_to(100)) == OpenStatus::Ok);
}

TEST_CASE("a broken zlib stream under a valid signature is malformed", "[session][flask]") {
  Fixture fixture;
  const std::string whole = deflated(R"({"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})");
  CHECK(fixture.open(signed_text("." + b64(whole) + ".ZVPxAA")) == OpenStatus::Ok);
  CHECK(fixture.open(signed_text("." + b64(whole.substr(0, whole.size() - 1)) + ".ZVPxAA")) ==
        OpenStatus::Malformed);
  CHECK(fixture.open(signed_text("." + b64(whole + "x") + ".ZVPxAA")) == OpenStatus::Malformed);
  CHECK(fixture.open(signed_text("." + b64("not zlib") + ".ZVPxAA")) == OpenStatus::Malformed);
  CHECK(fixture.open(signed_text("..ZVPxAA")) == OpenStatus::Malformed);
}

TEST_CASE("fallback keys open and the first key signs (S-21)", "[session][flask][keys]") {
  Fixture old_only({"old"});
  Fixture both({"new", "old"});
  Fixture new_only({"new"});
  const std::string cookie = old_only.seal(flask_session({{"name", "Alice"}}));
  REQUIRE(both.open(cookie) == OpenStatus::Ok);
  CHECK(both.opened.key_index == 1);
  const std::string again = both.seal(both.session);
  REQUIRE(new_only.open(again) == OpenStatus::Ok);
  CHECK(new_only.opened.key_index == 0);
  CHECK(pairs_of(new_only.session) == Pairs{{"name", "Alice"}});
  CHECK(new_only.open(cookie) == OpenStatus::UnknownKey);
}

TEST_CASE("Flask's 31 days end for both in the same second (S-20)", "[session][flask][lifetime]") {
  Fixture fixture;
  REQUIRE(fixture.open("eyJuYW1lIjoiQWxpY2UifQ.ZVPxAA.o4DXrMVMuQetpO2TvUnv6cCgNBA") ==
          OpenStatus::Ok);
  Lifetime lifetime;
  lifetime.idle_timeout = std::chrono::hours{24 * 31};
  CHECK(judge(lifetime, fixture.session, kStamp + 2'678'400) == OpenStatus::Ok);
  CHECK(judge(lifetime, fixture.session, kStamp + 2'678'401) != OpenStatus::Ok);
}

TEST_CASE("what no Flask cookie can hold is refused and nothing is appended", "[session][flask]") {
  Fixture fixture;
  std::string out = "kept";
  CHECK(fixture.codec.seal(flask_session({{"a", "\xff"}}), "", out) == 0);
  CHECK(fixture.codec.seal(flask_session({{"\xff", "a"}}), "", out) == 0);
  CHECK(fixture.codec.seal(flask_session({}, 0), "", out) == 0);
  CHECK(fixture.codec.seal(flask_session({}, std::int64_t{1} << 40), "", out) == 0);
  CHECK(out == "kept");
  const std::size_t size = fixture.codec.seal(flask_session({}), "", out);
  CHECK(size == out.size() - 4);
}

TEST_CASE("the factory gives each format its codec", "[session]") {
  SessionConfig config;
  config.secrets = {{"env A", test::kSecretA}, {"env B", test::kSecretB}};
  config.format = GENERATE(SessionFormat::Sealed, SessionFormat::Flask);
  Random random;
  const auto keys = make_key_ring(config);
  REQUIRE(keys->size() == 2);
  const std::unique_ptr<Codec> codec = make_codec(config, keys, random);
  std::string cookie;
  REQUIRE(codec->seal(flask_session({{"a", "b"}}), "", cookie) > 0);
  CHECK((cookie.find('.') != std::string::npos) == (config.format == SessionFormat::Flask));
  Session session;
  CHECK(codec->open(cookie, "", session).status == OpenStatus::Ok);
  CHECK(pairs_of(session) == Pairs{{"a", "b"}});
}

}  // namespace keepsake
