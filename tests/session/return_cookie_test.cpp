#include "session/return_cookie.hpp"

#include <memory>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

constexpr std::int64_t kNow = 1'700'000'000;
const std::string kSecret = "a secret of enough bytes for this test";
const std::string kOther = "another one of enough bytes for this test";

struct Sealer {
  explicit Sealer(std::vector<std::string> secrets, std::string_view name = "session-return")
      : cookie(std::make_shared<const KeyRing>(secrets), name, random) {}
  std::string seal(std::string_view page, std::string_view host = "") {
    std::string value;
    return cookie.seal(page, kNow, host, value) ? value : "(refused)";
  }
  std::string open(std::string_view value, std::int64_t now = kNow, std::string_view host = "") {
    std::string page = "(old)";
    const bool opened = cookie.open(value, now, host, page);
    CHECK(opened == !page.empty());
    return page;
  }
  Random random;
  ReturnCookie cookie;
};

}  // namespace

TEST_CASE("a return cookie keeps path and query", "[session][return]") {
  Sealer sealer{{kSecret}};
  for (const char* page : {"/", "/account/orders?year=2024&q=a%20b", "/a/../b", "/%2f"}) {
    CHECK(sealer.open(sealer.seal(page)) == page);
  }
}

TEST_CASE("a return cookie is worth something for ten minutes", "[session][return]") {
  Sealer sealer{{kSecret}};
  const std::string value = sealer.seal("/a");
  CHECK(sealer.open(value, kNow + 600) == "/a");
  CHECK(sealer.open(value, kNow + 601).empty());
  CHECK(sealer.open(value, kNow - 30) == "/a");
  CHECK(sealer.open(value, kNow - 31).empty());
}

TEST_CASE("a return cookie of another key, name or host is worth nothing", "[session][return]") {
  Sealer sealer{{kSecret}};
  CHECK(sealer.open(Sealer{{kOther}}.seal("/a")).empty());
  CHECK(sealer.open(Sealer{{kSecret}, "session"}.seal("/a")).empty());
  CHECK(sealer.open(sealer.seal("/a", "a.test"), kNow, "b.test").empty());
  CHECK(sealer.open(sealer.seal("/a", "a.test"), kNow, "a.test") == "/a");
  CHECK(sealer.open("").empty());
  CHECK(sealer.open("/a").empty());
  CHECK((Sealer{{kOther, kSecret}}.open(sealer.seal("/a"))) == "/a");
}

TEST_CASE("a changed return cookie is worth nothing", "[session][return]") {
  Sealer sealer{{kSecret}};
  const std::string value = sealer.seal("/account");
  for (std::size_t i = 0; i < value.size(); ++i) {
    std::string changed = value;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK(sealer.open(changed).empty());
  }
}

TEST_CASE("a session's cookie is no return cookie", "[session][return]") {
  Sealer sealer{{kSecret}};
  Random random;
  SealedCodec codec{std::make_shared<const KeyRing>(std::vector{kSecret}), "session-return",
                    random};
  Session session;
  session.has_id = true;
  session.created = session.touched = kNow;
  session.set("page", "//evil.example");
  std::string value;
  codec.seal(session, "", value);
  CHECK(sealer.open(value).empty());
  session.erase("page");
  session.set("user", "/a");
  value.clear();
  codec.seal(session, "", value);
  CHECK(sealer.open(value).empty());
}

TEST_CASE("no page is kept that is too long or leads elsewhere", "[session][return]") {
  Sealer sealer{{kSecret}};
  CHECK(sealer.open(sealer.seal("/" + std::string(1023, 'a'))).size() == 1024);
  CHECK(sealer.seal("/" + std::string(1024, 'a')) == "(refused)");
  CHECK(sealer.seal("//evil.example") == "(refused)");
  CHECK(sealer.seal("") == "(refused)");
}

TEST_CASE("a session of the return cookie's name is no page, and a page no session",
          "[session][return]") {
  Sealer sealer{{kSecret}};
  const auto keys = std::make_shared<const KeyRing>(std::vector<std::string>{kSecret});
  SealedCodec codec{keys, "session-return", sealer.random};
  Session session;
  session.has_id = true;
  session.created = session.touched = kNow;
  session.set("page", "/a");
  std::string value;
  REQUIRE(codec.seal(session, "", value) != 0);
  CHECK(sealer.open(value).empty());
  CHECK(codec.open(sealer.seal("/a"), "", session).status != OpenStatus::Ok);
}
