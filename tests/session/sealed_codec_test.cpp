#include "session/sealed_codec.hpp"

#include <fstream>
#include <set>

#include "base/base64url.hpp"
#include "session/lifetime.hpp"
#include "session/support.hpp"
#include "support/catch.hpp"

namespace keepsake {
namespace {

using test::CountingRandom;
using test::kSecretA;
using test::kSecretB;
using test::Pairs;
using test::pairs_of;
using test::ring;
using test::session_of;

const Pairs kFive = {
    {"cart", "3"}, {"lang", "de"}, {"myName", "Zoë 🎉"}, {"plan", "gold plus"}, {"theme", "dark"}};

// A codec with everything it needs around it.
struct Fixture {
  explicit Fixture(std::vector<std::string> secrets = {kSecretA}, std::string name = "session")
      : codec(ring(std::move(secrets)), name, random) {}

  std::string seal(const Session& what, std::string_view binding = "") {
    std::string cookie;
    const std::size_t size = codec.seal(what, binding, cookie);
    REQUIRE(size == cookie.size());
    return cookie;
  }
  OpenStatus open(std::string_view cookie, std::string_view binding = "") {
    opened = codec.open(cookie, binding, session);
    if (opened.status != OpenStatus::Ok) {
      CHECK(session.empty());
      CHECK_FALSE(session.has_id);
      CHECK(session.created == 0);
    }
    return opened.status;
  }

  Random random;
  SealedCodec codec;
  Session session;
  Opened opened;
};

// Seals any plaintext at all, right or wrong, as only the owner of the secret could.
std::string sealed_plaintext(std::vector<std::uint8_t> plain) {
  const KeyRing keys({kSecretA});
  Xaes256Gcm cipher(keys.at(0).sealing);
  std::vector<std::uint8_t> envelope{1};
  envelope.insert(envelope.end(), keys.at(0).id.begin(), keys.at(0).id.end());
  envelope.resize(29, 7);  // the nonce
  const std::vector<std::uint8_t> nonce(envelope.begin() + 5, envelope.end());
  std::vector<std::uint8_t> sealed(plain.size() + 16);
  cipher.seal(Xaes256Gcm::Nonce(nonce), std::string_view("keepsake sealed v1\0session", 26), plain,
              sealed);
  envelope.insert(envelope.end(), sealed.begin(), sealed.end());
  std::string cookie;
  base64url_encode(envelope, cookie);
  return cookie;
}

// version, id and stamps of a plaintext, then `pairs`, zero-padded to a multiple of 32.
std::vector<std::uint8_t> plaintext(std::string_view pairs) {
  std::string plain(27, '\0');
  plain[0] = 1;
  plain.append(pairs);
  plain.resize((plain.size() + 31) / 32 * 32, '\0');
  return {plain.begin(), plain.end()};
}

std::string pair(std::string_view key, std::string_view value) {
  std::string text(1, static_cast<char>(key.size()));
  text.append(key);
  text.push_back(static_cast<char>(value.size() >> 8));
  text.push_back(static_cast<char>(value.size() & 0xFF));
  return text.append(value);
}

class ScriptedRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    REQUIRE(out.size() == bytes.size());
    std::copy(bytes.begin(), bytes.end(), out.begin());
  }
  std::vector<std::uint8_t> bytes;
};

struct Vector {
  std::string title, secret, name, binding, cookie;
  std::vector<std::uint8_t> nonce, id;
  std::int64_t created = 0, touched = 0;
  std::optional<std::uint32_t> lifetime;
  std::optional<SessionId> device;
  Pairs pairs;
};

std::vector<Vector> read_vectors() {
  std::ifstream file(KEEPSAKE_SOURCE_DIR "/tests/session/vectors/sealed.txt");
  std::vector<Vector> vectors;
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("#") || colon == std::string::npos) {
      continue;
    }
    const std::string what = line.substr(0, colon);
    const std::string value = line.substr(colon + 2);
    if (what == "case") {
      vectors.emplace_back().title = value;
      continue;
    }
    Vector& last = vectors.back();
    if (what == "secret") {
      last.secret = value;
    } else if (what == "name") {
      last.name = value;
    } else if (what == "binding") {
      last.binding = value;
    } else if (what == "nonce") {
      last.nonce = test::unhex(value);
    } else if (what == "id") {
      last.id = test::unhex(value);
    } else if (what == "created") {
      last.created = std::stoll(value);
    } else if (what == "touched") {
      last.touched = std::stoll(value);
    } else if (what == "lifetime") {
      last.lifetime = static_cast<std::uint32_t>(std::stoull(value));
    } else if (what == "device") {
      const std::vector<std::uint8_t> bytes = test::unhex(value);
      std::copy(bytes.begin(), bytes.end(), last.device.emplace().begin());
    } else if (what == "pair") {
      last.pairs.emplace_back(value.substr(0, value.find('=')), value.substr(value.find('=') + 1));
    } else if (what == "cookie") {
      last.cookie = value;
    }
  }
  return vectors;
}

}  // namespace

TEST_CASE("sealed cookies are the golden vectors, byte for byte, in both directions (S-13)",
          "[session][sealed]") {
  const std::vector<Vector> vectors = read_vectors();
  REQUIRE(vectors.size() == 15);
  for (const Vector& vector : vectors) {
    INFO(vector.title);
    ScriptedRandom random;
    random.bytes = vector.nonce;
    SealedCodec codec(ring({vector.secret}), vector.name, random);
    Session session = session_of(vector.pairs, vector.created, vector.touched);
    std::copy(vector.id.begin(), vector.id.end(), session.id.begin());
    session.lifetime = vector.lifetime;
    session.binding = vector.device;

    std::string cookie = "before ";
    CHECK(codec.seal(session, vector.binding, cookie) == vector.cookie.size());
    CHECK(cookie == "before " + vector.cookie);

    Session opened;
    REQUIRE(codec.open(vector.cookie, vector.binding, opened).status == OpenStatus::Ok);
    CHECK(pairs_of(opened) == vector.pairs);
    CHECK(opened.id == session.id);
    CHECK(opened.has_id);
    CHECK(opened.created == vector.created);
    CHECK(opened.touched == vector.touched);
    CHECK(opened.lifetime == vector.lifetime);
    CHECK(opened.binding == vector.device);
    CHECK(opened.codec_state.empty());
  }
}

TEST_CASE("a plaintext with flags opens in its one spelling, and with an unknown flag not at all",
          "[session][sealed]") {
  Fixture fixture;
  // `more` stands behind the flags, then a pair.
  const auto opens = [&fixture](std::uint8_t flags, std::string more, char version = 2) {
    more.insert(more.begin(), static_cast<char>(flags));
    std::vector<std::uint8_t> plain = plaintext(more + pair("a", "1"));
    plain[0] = static_cast<std::uint8_t>(version);
    return fixture.open(sealed_plaintext(plain));
  };
  const std::string lifetime("\0\0\x0e\x10", 4);
  const std::string device(16, 'D');
  REQUIRE(opens(1, lifetime) == OpenStatus::Ok);
  CHECK(fixture.session.lifetime == 3600);
  CHECK_FALSE(fixture.session.binding);
  CHECK(pairs_of(fixture.session) == Pairs{{"a", "1"}});
  REQUIRE(opens(2, device) == OpenStatus::Ok);
  CHECK_FALSE(fixture.session.lifetime);
  CHECK(fixture.session.binding ==
        SessionId{'D', 'D', 'D', 'D', 'D', 'D', 'D', 'D', 'D', 'D', 'D', 'D', 'D', 'D', 'D', 'D'});
  REQUIRE(opens(3, lifetime + device) == OpenStatus::Ok);
  CHECK(fixture.session.lifetime == 3600);
  CHECK(fixture.session.binding);
  CHECK(opens(0, "") == OpenStatus::Malformed);
  for (unsigned unknown = 4; unknown < 256; ++unknown) {
    INFO(unknown);
    CHECK(opens(static_cast<std::uint8_t>(unknown), lifetime + device) == OpenStatus::Malformed);
  }
  CHECK(opens(1, lifetime, 3) == OpenStatus::Malformed);
  CHECK(opens(1, lifetime, 0) == OpenStatus::Malformed);
}

TEST_CASE("flags that announce more than there is do not open", "[session][sealed]") {
  Fixture fixture;
  for (const int flags : {1, 2, 3}) {
    std::vector<std::uint8_t> plain(32, 0);
    plain[0] = 2;
    plain[27] = static_cast<std::uint8_t>(flags);
    // Room for a lifetime is left in the block, for a device's id is not.
    CHECK(fixture.open(sealed_plaintext(plain)) ==
          (flags == 1 ? OpenStatus::Ok : OpenStatus::Malformed));
  }
}

TEST_CASE("a session without flags is sealed as release 0.1.0 did", "[session][sealed]") {
  Fixture fixture;
  Session session = session_of({{"k", std::string(33, 'x')}});
  const std::size_t plain = fixture.seal(session).size();
  session.lifetime = 60;
  CHECK(fixture.seal(session).size() > plain);  // five bytes more, which need another block
  session.lifetime.reset();
  CHECK(fixture.seal(session).size() == plain);
  session.reset();
  CHECK_FALSE(session.lifetime);
}

TEST_CASE("a sealed session comes back as it was and no two seals look alike",
          "[session][sealed]") {
  Fixture fixture;
  const Session session = session_of(kFive);
  std::set<std::string> cookies;
  for (int i = 0; i < 100; ++i) {
    const std::string cookie = fixture.seal(session);
    cookies.insert(cookie);
    REQUIRE(fixture.open(cookie) == OpenStatus::Ok);
    REQUIRE(pairs_of(fixture.session) == kFive);
    REQUIRE(fixture.session.id == session.id);
  }
  CHECK(cookies.size() == 100);
}

TEST_CASE("with any character of a cookie changed it does not open (S-7)", "[session][sealed]") {
  Fixture fixture;
  const std::string cookie = fixture.seal(session_of(kFive));
  for (std::size_t i = 0; i < cookie.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = cookie;
      changed[i] = static_cast<char>(byte);
      if (changed != cookie) {
        REQUIRE(fixture.codec.open(changed, "", fixture.session).status != OpenStatus::Ok);
        REQUIRE(fixture.session.empty());
      }
    }
  }
}

TEST_CASE("a changed byte is told apart by what it breaks", "[session][sealed]") {
  Fixture fixture;
  const std::string cookie = fixture.seal(session_of(kFive));
  std::vector<std::uint8_t> envelope(cookie.size());
  envelope.resize(*base64url_decode(cookie, envelope));
  for (std::size_t i = 0; i < envelope.size(); ++i) {
    std::vector<std::uint8_t> changed = envelope;
    changed[i] = static_cast<std::uint8_t>(changed[i] ^ 0x40);
    std::string text;
    base64url_encode(changed, text);
    const OpenStatus expected = i == 0  ? OpenStatus::Malformed
                                : i < 5 ? OpenStatus::UnknownKey
                                        : OpenStatus::Forged;
    INFO(i);
    CHECK(fixture.open(text) == expected);
  }
}

TEST_CASE("a cookie cut short, made longer or emptied does not open (S-8)", "[session][sealed]") {
  Fixture fixture;
  const std::string cookie = fixture.seal(session_of(kFive));
  for (std::size_t size = 0; size < cookie.size(); ++size) {
    REQUIRE(fixture.open(cookie.substr(0, size)) != OpenStatus::Ok);
    REQUIRE(fixture.open(cookie.substr(size + 1)) != OpenStatus::Ok);
  }
  for (const std::string more : {"A", "AA", "AAA", "AAAA", "=", "==", " ", "\n"}) {
    INFO(more);
    CHECK(fixture.open(cookie + more) != OpenStatus::Ok);
    CHECK(fixture.open(more + cookie) != OpenStatus::Ok);
  }
  CHECK(fixture.open("\"" + cookie + "\"") == OpenStatus::Malformed);
  CHECK(fixture.open(cookie + cookie) != OpenStatus::Ok);
}

TEST_CASE("garbage of any size is malformed, without a look at what is over 4096 bytes (S-8)",
          "[session][sealed]") {
  Fixture fixture;
  CHECK(fixture.open("") == OpenStatus::Malformed);
  CHECK(fixture.open("x") == OpenStatus::Malformed);
  CHECK(fixture.open("Zo\xc3\xab") == OpenStatus::Malformed);
  CHECK(fixture.open(std::string(16, '\0')) == OpenStatus::Malformed);
  CHECK(fixture.open(std::string(16 * 1024, 'A')) == OpenStatus::Malformed);
  CHECK(fixture.open(std::string(16 * 1024, '=')) == OpenStatus::Malformed);

  // The longest cookie that fits and opens, and the next one, which is right in all but its length.
  std::string fitting, too_long;
  for (std::size_t blocks = 90; too_long.empty(); ++blocks) {
    const std::string cookie = fixture.seal(session_of({{"k", std::string(blocks * 32 + 1, 'x')}}));
    (cookie.size() <= 4096 ? fitting : too_long) = cookie;
  }
  CHECK(fixture.open(fitting) == OpenStatus::Ok);
  CHECK(fixture.open(too_long) == OpenStatus::Malformed);
}

TEST_CASE("a cookie is worth nothing under another name or another host (S-12)",
          "[session][sealed]") {
  Fixture here;
  Fixture other({kSecretA}, "session2");
  const std::string plain = here.seal(session_of(kFive));
  const std::string bound = here.seal(session_of(kFive), "shop.example");
  CHECK(other.open(plain) == OpenStatus::Forged);
  CHECK(here.open(bound, "shop.example") == OpenStatus::Ok);
  CHECK(here.open(bound, "blog.example") == OpenStatus::Forged);
  CHECK(here.open(bound) == OpenStatus::Forged);
  CHECK(here.open(plain, "shop.example") == OpenStatus::Forged);
  CHECK(here.open(plain) == OpenStatus::Ok);
}

TEST_CASE("a name and a binding cannot be shifted into each other", "[session][sealed]") {
  Fixture left({kSecretA}, "ab");
  Fixture right({kSecretA}, "a");
  CHECK(right.open(left.seal(session_of(kFive), "c"), "bc") == OpenStatus::Forged);
}

TEST_CASE("rotation A, then B before A, then B alone logs nobody out before A is gone (S-21)",
          "[session][sealed][keys]") {
  Fixture only_a({kSecretA});
  Fixture b_then_a({kSecretB, kSecretA});
  Fixture only_b({kSecretB});
  const std::string old_cookie = only_a.seal(session_of(kFive));

  REQUIRE(b_then_a.open(old_cookie) == OpenStatus::Ok);
  CHECK(b_then_a.opened.key_index == 1);
  CHECK(pairs_of(b_then_a.session) == kFive);
  const std::string new_cookie = b_then_a.seal(b_then_a.session);
  REQUIRE(b_then_a.open(new_cookie) == OpenStatus::Ok);
  CHECK(b_then_a.opened.key_index == 0);

  REQUIRE(only_b.open(new_cookie) == OpenStatus::Ok);
  CHECK(pairs_of(only_b.session) == kFive);
  CHECK(only_b.open(old_cookie) == OpenStatus::UnknownKey);
  CHECK(only_a.open(new_cookie) == OpenStatus::UnknownKey);
}

TEST_CASE("a session stamped in the future opens and is then judged so",
          "[session][sealed][lifetime]") {
  Fixture fixture;
  REQUIRE(fixture.open(fixture.seal(session_of(kFive, 1'700'000'031, 1'700'000'031))) ==
          OpenStatus::Ok);
  CHECK(judge(Lifetime{}, fixture.session, 1'700'000'000) == OpenStatus::FromFuture);
}

TEST_CASE("only the canonical plaintext opens, even under the right key", "[session][sealed]") {
  Fixture fixture;
  const auto opens = [&fixture](const std::vector<std::uint8_t>& plain) {
    return fixture.open(sealed_plaintext(plain));
  };

  SECTION("the right form does") {
    CHECK(opens(plaintext(pair("a", "1") + pair("b", ""))) == OpenStatus::Ok);
    CHECK(pairs_of(fixture.session) == Pairs{{"a", "1"}, {"b", ""}});
    CHECK(opens(plaintext("")) == OpenStatus::Ok);
  }
  SECTION("keys out of order or twice do not") {
    CHECK(opens(plaintext(pair("b", "1") + pair("a", "1"))) == OpenStatus::Malformed);
    CHECK(opens(plaintext(pair("a", "1") + pair("a", "1"))) == OpenStatus::Malformed);
  }
  SECTION("text that is not UTF-8 does not") {
    for (const char* text :
         {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "ok\x80"}) {
      CHECK(opens(plaintext(pair("a", text))) == OpenStatus::Malformed);
      CHECK(opens(plaintext(pair(text, "1"))) == OpenStatus::Malformed);
    }
  }
  SECTION("padding that is not zero, not needed or missing does not") {
    std::vector<std::uint8_t> plain = plaintext("");
    plain.back() = 1;
    CHECK(opens(plain) == OpenStatus::Malformed);
    plain = plaintext(pair("ab", "1"));
    plain.back() = 1;
    CHECK(opens(plain) == OpenStatus::Malformed);
    plain = plaintext(pair("ab", "1"));
    plain.resize(plain.size() + 32, 0);
    CHECK(opens(plain) == OpenStatus::Malformed);
    plain = plaintext(pair("ab", "1"));
    plain.pop_back();
    CHECK(opens(plain) == OpenStatus::Malformed);
    plain = plaintext("");
    plain.resize(27);
    CHECK(opens(plain) == OpenStatus::Malformed);
    CHECK(opens({}) == OpenStatus::Malformed);
  }
  SECTION("lengths that point outside do not") {
    CHECK(opens(plaintext("\x05")) == OpenStatus::Malformed);
    CHECK(opens(plaintext("\xff"
                          "abcd")) == OpenStatus::Malformed);
    CHECK(opens(plaintext(std::string("\x01"
                                      "a\xff\xff"
                                      "xyz",
                                      7))) == OpenStatus::Malformed);
    CHECK(opens(plaintext(std::string("\x03"
                                      "abc\x00",
                                      5))) == OpenStatus::Malformed);
  }
  SECTION("another inner version does not") {
    std::vector<std::uint8_t> plain = plaintext("");
    plain[0] = 2;
    CHECK(opens(plain) == OpenStatus::Malformed);
  }
}

TEST_CASE("what the format cannot hold is refused and nothing is appended", "[session][sealed]") {
  Fixture fixture;
  const auto refused = [&fixture](const Session& session) {
    std::string out = "kept";
    return fixture.codec.seal(session, "", out) == 0 && out == "kept";
  };
  CHECK(refused(session_of({{"", "1"}})));
  CHECK(refused(session_of({{std::string(256, 'k'), "1"}})));
  CHECK(refused(session_of({{"k", std::string(65'536, 'v')}})));
  CHECK(refused(session_of({{"k", "\xff"}})));
  CHECK(refused(session_of({{"\xff", "v"}})));
  CHECK(refused(session_of({}, -1, 0)));
  CHECK(refused(session_of({}, 0, std::int64_t{1} << 40)));
  CHECK_FALSE(refused(session_of({{std::string(255, 'k'), std::string(65'535, 'v')}})));
}

TEST_CASE("cookie lengths tell values apart in steps of 32 bytes only", "[session][sealed]") {
  Fixture fixture;
  std::set<std::size_t> sizes;
  for (std::size_t size = 0; size < 64; ++size) {
    sizes.insert(fixture.seal(session_of({{"k", std::string(size, 'x')}})).size());
  }
  CHECK(sizes.size() == 3);
}

TEST_CASE("open statuses have the words that inspect, logs and metrics use", "[session]") {
  std::set<std::string_view> words;
  for (std::size_t i = 0; i < kOpenStatusCount; ++i) {
    words.insert(to_string(static_cast<OpenStatus>(i)));
  }
  CHECK(words == std::set<std::string_view>{"ok", "malformed", "unknown_key", "forged",
                                            "from_future", "idle_expired", "absolute_expired",
                                            "before_not_before"});
}

}  // namespace keepsake
