#include "session/lifetime.hpp"

#include "config/config.hpp"
#include "session/support.hpp"
#include "support/catch.hpp"

namespace keepsake {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kStart = 1'700'000'000;

Lifetime times(std::int64_t idle, std::int64_t absolute, std::int64_t touch) {
  return {seconds{idle}, seconds{absolute}, seconds{touch}, std::nullopt};
}

Session stamped(std::int64_t created, std::int64_t touched) {
  return test::session_of({}, created, touched);
}

}  // namespace

TEST_CASE("an idle session lives to the last second of its timeout and not one more (S-20)",
          "[session][lifetime]") {
  const Lifetime lifetime = times(100, 100'000, 10);
  const Session session = stamped(kStart - 500, kStart);
  CHECK(judge(lifetime, session, kStart + 99) == OpenStatus::Ok);
  CHECK(judge(lifetime, session, kStart + 100) == OpenStatus::Ok);
  CHECK(judge(lifetime, session, kStart + 101) == OpenStatus::IdleExpired);
}

TEST_CASE("the absolute timeout counts from the creation and no touch moves it (S-20)",
          "[session][lifetime]") {
  const Lifetime lifetime = times(100, 1000, 10);
  for (const std::int64_t touched : {kStart, kStart + 950, kStart + 1000}) {
    const Session session = stamped(kStart, touched);
    INFO(touched);
    CHECK(judge(lifetime, session, kStart + 1001) == OpenStatus::AbsoluteExpired);
  }
  CHECK(judge(lifetime, stamped(kStart, kStart + 950), kStart + 999) == OpenStatus::Ok);
  CHECK(judge(lifetime, stamped(kStart, kStart + 950), kStart + 1000) == OpenStatus::Ok);
}

TEST_CASE("a session with a lifetime of its own may idle as long, and no longer than is absolute",
          "[session][lifetime]") {
  const Lifetime lifetime = times(100, 5000, 10);
  Session session = stamped(kStart, kStart);
  session.lifetime = 3000;
  CHECK(judge(lifetime, session, kStart + 3000) == OpenStatus::Ok);
  CHECK(judge(lifetime, session, kStart + 3001) == OpenStatus::IdleExpired);
  CHECK(last_second(lifetime, session) == kStart + 3000);
  session.touched = kStart + 2500;
  CHECK(judge(lifetime, session, kStart + 5001) == OpenStatus::AbsoluteExpired);
  session = stamped(kStart, kStart);
  session.lifetime = 8;
  CHECK(judge(lifetime, session, kStart + 9) == OpenStatus::IdleExpired);
  CHECK_FALSE(touch_due(lifetime, session, kStart + 3));
  CHECK(touch_due(lifetime, session, kStart + 4));
}

TEST_CASE("a lifetime until the browser closes leaves the idle timeout as it is",
          "[session][lifetime]") {
  const Lifetime lifetime = times(100, 5000, 10);
  Session session = stamped(kStart, kStart);
  session.lifetime = 0;
  CHECK(judge(lifetime, session, kStart + 100) == OpenStatus::Ok);
  CHECK(judge(lifetime, session, kStart + 101) == OpenStatus::IdleExpired);
  CHECK(cookie_life_of(seconds{50}, session) == std::nullopt);
  session.lifetime = 70;
  CHECK(cookie_life_of(seconds{50}, session) == seconds{70});
  session.lifetime.reset();
  CHECK(cookie_life_of(seconds{50}, session) == seconds{50});
  CHECK(cookie_life_of(std::nullopt, session) == std::nullopt);
}

TEST_CASE("a cookie whose store judges idleness is over by what is absolute alone",
          "[session][lifetime]") {
  Lifetime lifetime = times(5000, 5000, 10);
  lifetime.idles = false;
  Session session = stamped(kStart, kStart);
  session.lifetime = 8;
  CHECK(judge(lifetime, session, kStart + 4000) == OpenStatus::Ok);
}

TEST_CASE("a stamp may be 30 seconds ahead of our clock and not 31", "[session][lifetime]") {
  const Lifetime lifetime = times(100, 1000, 10);
  CHECK(judge(lifetime, stamped(kStart + 30, kStart + 30), kStart) == OpenStatus::Ok);
  CHECK(judge(lifetime, stamped(kStart + 31, kStart), kStart) == OpenStatus::FromFuture);
  CHECK(judge(lifetime, stamped(kStart, kStart + 31), kStart) == OpenStatus::FromFuture);
}

TEST_CASE("not_before ends the sessions created before it and keeps those of its very second",
          "[session][lifetime]") {
  Lifetime lifetime = times(100, 1000, 10);
  lifetime.not_before = kStart;
  CHECK(judge(lifetime, stamped(kStart - 1, kStart + 5), kStart + 5) ==
        OpenStatus::BeforeNotBefore);
  CHECK(judge(lifetime, stamped(kStart, kStart + 5), kStart + 5) == OpenStatus::Ok);
}

TEST_CASE("a session with one stamp expires by the shorter of the two timeouts",
          "[session][lifetime]") {
  auto [idle, absolute, verdict] = GENERATE(table<int, int, OpenStatus>(
      {{100, 1000, OpenStatus::IdleExpired}, {1000, 100, OpenStatus::AbsoluteExpired}}));
  Session session = stamped(kStart, kStart);
  session.has_id = false;
  const Lifetime lifetime = times(idle, absolute, 10);
  CHECK(judge(lifetime, session, kStart + 100) == OpenStatus::Ok);
  CHECK(judge(lifetime, session, kStart + 101) == verdict);
  CHECK(last_second(lifetime, session) == kStart + 100);
}

TEST_CASE("a touch is due when the stamp is touch_interval old", "[session][lifetime]") {
  const Lifetime lifetime = times(86'400, 2'678'400, 60);
  const Session session = stamped(kStart - 500, kStart);
  CHECK_FALSE(touch_due(lifetime, session, kStart + 59));
  CHECK(touch_due(lifetime, session, kStart + 60));
  CHECK(touch_due(lifetime, session, kStart + 61));
  CHECK_FALSE(touch_due(lifetime, session, kStart - 5));
}

TEST_CASE("a touch interval of zero touches once per second at most", "[session][lifetime]") {
  const Lifetime lifetime = times(100, 1000, 0);
  CHECK_FALSE(touch_due(lifetime, stamped(kStart, kStart), kStart));
  CHECK(touch_due(lifetime, stamped(kStart, kStart), kStart + 1));
}

TEST_CASE("a touch interval longer than the idle timeout logs nobody out who keeps coming",
          "[session][lifetime]") {
  const Lifetime lifetime = times(10, 1000, 60);
  Session session = stamped(kStart, kStart);
  for (std::int64_t now = kStart; now < kStart + 200; now += 4) {
    REQUIRE(judge(lifetime, session, now) == OpenStatus::Ok);
    if (touch_due(lifetime, session, now)) {
      session.touched = now;
    }
  }
}

TEST_CASE("the last second is the one judge still accepts", "[session][lifetime]") {
  auto [idle, absolute, touched] =
      GENERATE(table<int, int, int>({{100, 1000, 0}, {100, 1000, 950}, {5000, 1000, 20}}));
  const Lifetime lifetime = times(idle, absolute, 10);
  const Session session = stamped(kStart, kStart + touched);
  const std::int64_t last = last_second(lifetime, session);
  CHECK(judge(lifetime, session, last) == OpenStatus::Ok);
  CHECK(judge(lifetime, session, last + 1) != OpenStatus::Ok);
}

TEST_CASE("lifetimes come from the session section of the configuration", "[session][lifetime]") {
  SessionConfig config;
  config.idle_timeout = seconds{11};
  config.absolute_timeout = seconds{22};
  config.touch_interval = seconds{3};
  config.not_before = kStart;
  const Lifetime lifetime = lifetime_of(config);
  CHECK(lifetime.idle_timeout == seconds{11});
  CHECK(lifetime.absolute_timeout == seconds{22});
  CHECK(lifetime.touch_interval == seconds{3});
  CHECK(lifetime.not_before == kStart);
}

TEST_CASE("a cookie that a browser keeps for a short time only is written again in time",
          "[session][lifetime]") {
  SessionConfig config;
  config.cookie.lifetime = seconds{100};
  CHECK(lifetime_of(config).touch_interval == seconds{50});  // the default is 60 s
  config.cookie.lifetime = seconds{120};
  CHECK(lifetime_of(config).touch_interval == seconds{60});
  config.cookie.lifetime = std::chrono::hours{24};
  CHECK(lifetime_of(config).touch_interval == seconds{60});
}

}  // namespace keepsake
