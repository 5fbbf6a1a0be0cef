#include "routing/rate_buckets.hpp"

#include <thread>

#include "support/catch.hpp"

using namespace keepsake;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const SteadyTime kStart{std::chrono::hours{1000}};
constexpr RateBuckets::Seed kSeed{0x0123456789abcdefU, 0xfedcba9876543210U};

RateRule rule(std::uint32_t requests, Millis every, std::uint32_t burst = 0) {
  RateLimit limit;
  limit.requests = requests;
  limit.every = every;
  limit.burst = burst;
  return RateRule{limit, 1};
}

RateBuckets::Key key(std::uint32_t number, std::uint64_t rule_id = 1) {
  RateBuckets::Key key;
  key.rule = rule_id;
  for (std::size_t i = 0; i < 4; ++i) {
    key.who[12 + i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return key;
}

// How many of `tries` at that moment get a token.
int taken(RateBuckets& buckets, const RateRule& rule, SteadyTime now, int tries = 100,
          std::uint32_t who = 1) {
  int count = 0;
  for (int i = 0; i < tries; ++i) {
    count += buckets.take(key(who), rule, now) == Nanos::zero() ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("a bucket gives its burst at once and then one token at a time", "[server][rate]") {
  RateBuckets buckets{100, kSeed};
  const RateRule ten = rule(10, seconds{1}, 20);
  CHECK(taken(buckets, ten, kStart) == 20);
  CHECK(taken(buckets, ten, kStart + milliseconds{99}) == 0);
  CHECK(taken(buckets, ten, kStart + milliseconds{100}) == 1);
  CHECK(taken(buckets, ten, kStart + milliseconds{450}) == 3);
  CHECK(taken(buckets, ten, kStart + milliseconds{500}) == 1);
  // However long it waits, no more than it holds.
  CHECK(taken(buckets, ten, kStart + std::chrono::hours{100}) == 20);
}

TEST_CASE("without a burst a bucket holds the requests of one period", "[server][rate]") {
  RateBuckets buckets{100, kSeed};
  const RateRule three = rule(3, seconds{1});
  CHECK(taken(buckets, three, kStart) == 3);
  CHECK(taken(buckets, three, kStart + seconds{1}) == 3);
  CHECK(taken(buckets, three, kStart + seconds{1} + milliseconds{340}) == 1);
}

TEST_CASE("a bucket tells how long until it has a token, and refusals cost nothing",
          "[server][rate]") {
  RateBuckets buckets{100, kSeed};
  const RateRule slow = rule(1, seconds{60}, 2);
  CHECK(buckets.take(key(1), slow, kStart) == Nanos::zero());
  CHECK(buckets.take(key(1), slow, kStart) == Nanos::zero());
  for (int i = 0; i < 5; ++i) {
    CHECK(buckets.take(key(1), slow, kStart) == seconds{60});
  }
  CHECK(buckets.take(key(1), slow, kStart + seconds{45}) == seconds{15});
  CHECK(buckets.take(key(1), slow, kStart + seconds{60}) == Nanos::zero());
}

TEST_CASE("a token that is given back is there again", "[server][rate]") {
  RateBuckets buckets{100, kSeed};
  const RateRule one = rule(1, seconds{60});
  CHECK(buckets.take(key(1), one, kStart) == Nanos::zero());
  CHECK(buckets.take(key(1), one, kStart) != Nanos::zero());
  buckets.give_back(key(1), one);
  buckets.give_back(key(2), one);  // nobody's
  CHECK(buckets.take(key(1), one, kStart) == Nanos::zero());
  CHECK(buckets.take(key(1), one, kStart) != Nanos::zero());
}

TEST_CASE("each rule, client and session has a bucket of its own", "[server][rate]") {
  RateBuckets buckets{100, kSeed};
  const RateRule one = rule(1, seconds{60});
  RateBuckets::Key session = key(1);
  session.is_session = true;
  for (const RateBuckets::Key& k : {key(1), key(2), key(1, 2), session}) {
    CHECK(buckets.take(k, one, kStart) == Nanos::zero());
    CHECK(buckets.take(k, one, kStart) != Nanos::zero());
  }
  CHECK(buckets.size() == 4);
}

TEST_CASE("a worker whose clock is a little behind gets no tokens for it", "[server][rate]") {
  RateBuckets buckets{100, kSeed};
  const RateRule one = rule(1, seconds{1});
  CHECK(buckets.take(key(1), one, kStart) == Nanos::zero());
  CHECK(buckets.take(key(1), one, kStart - milliseconds{5}) != Nanos::zero());
}

TEST_CASE("the fastest and the slowest rule neither overflow nor stand still", "[server][rate]") {
  RateBuckets buckets{100, kSeed};
  const RateRule fast = rule(1'000'000'000, milliseconds{1}, 5);
  CHECK(taken(buckets, fast, kStart) == 5);
  // A thousand tokens come back in each nanosecond; the bucket holds five.
  CHECK(taken(buckets, fast, kStart + Nanos{2}) == 5);
  const RateRule slow = rule(1, std::chrono::hours{24}, 1'000);
  CHECK(taken(buckets, slow, kStart, 2'000, 2) == 1'000);
}

TEST_CASE("the number of buckets is bounded and the least recently used go", "[server][rate]") {
  RateBuckets buckets{3, kSeed};
  const RateRule one = rule(1, seconds{60});
  for (const std::uint32_t who : {1U, 2U, 3U}) {
    CHECK(buckets.take(key(who), one, kStart) == Nanos::zero());
  }
  CHECK(buckets.take(key(1), one, kStart) != Nanos::zero());  // used again: now 2 is the oldest
  CHECK(buckets.take(key(4), one, kStart) == Nanos::zero());
  CHECK(buckets.size() == 3);
  for (const std::uint32_t who : {1U, 3U, 4U}) {
    CHECK(buckets.take(key(who), one, kStart) != Nanos::zero());
  }
  CHECK(buckets.take(key(2), one, kStart) == Nanos::zero());  // forgotten
  CHECK(buckets.size() == 3);
}

TEST_CASE("a flood of addresses stays within the bound and keeps its latest", "[server][rate]") {
  const std::size_t capacity = GENERATE(1U, 2U, 100U, 10'000U);
  RateBuckets buckets{capacity, kSeed};
  const RateRule one = rule(1, seconds{60});
  const std::uint32_t flood = 50'000;
  for (std::uint32_t who = 0; who < flood; ++who) {
    if (buckets.take(key(who), one, kStart) != Nanos::zero()) {
      FAIL("nobody was here before");
    }
  }
  CHECK(buckets.size() <= capacity);
  CHECK(buckets.size() >= capacity - capacity / 8);
  for (std::uint32_t who = flood - static_cast<std::uint32_t>(capacity / 2); who < flood; ++who) {
    if (buckets.take(key(who), one, kStart) == Nanos::zero()) {
      FAIL(who << " was forgotten too early");
    }
  }
}

TEST_CASE("a limit is exact over several threads", "[server][rate]") {
  RateBuckets buckets{10'000, kSeed};
  const RateRule rule_of_all = rule(1'000, seconds{60});
  std::atomic<int> sum{0};
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < 2'000; ++i) {
        sum += buckets.take(key(1), rule_of_all, kStart) == Nanos::zero() ? 1 : 0;
        buckets.take(key(2 + t * 2'000 + i), rule_of_all, kStart);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(sum == 1'000);
}

TEST_CASE("one IPv6 network is one client and every IPv4 address is one", "[server][rate]") {
  const auto of = [](std::string_view text) { return rate_key(*parse_ip(text)); };
  CHECK(of("2001:db8:1:2::1") == of("2001:db8:1:2:ffff:eeee:dddd:cccc"));
  CHECK(of("2001:db8:1:2::1") != of("2001:db8:1:3::1"));
  CHECK(of("192.0.2.1") != of("192.0.2.2"));
  CHECK(of("192.0.2.1") == of("::ffff:192.0.2.1"));
  CHECK(of("::1") != of("192.0.2.1"));
}

TEST_CASE("the largest numbers neither overflow nor round", "[server][rate]") {
  constexpr std::uint32_t most = 1'000'000'000;
  const Millis day = std::chrono::hours{24};
  RateBuckets buckets{100, kSeed};
  // A token a day, a burst of 10^9: full at first, and every token is paid for.
  const RateRule patient = rule(1, day, most);
  CHECK(taken(buckets, patient, kStart, 10'000) == 10'000);
  for (int i = 0; i < 10'000; ++i) {
    buckets.give_back(key(1), patient);
  }
  CHECK(taken(buckets, patient, kStart, 10'000) == 10'000);
  const RateRule tight = rule(1, day, 1);
  CHECK(buckets.take(key(2), tight, kStart) == Nanos::zero());
  CHECK(buckets.take(key(2), tight, kStart) == day);
  CHECK(buckets.take(key(2), tight, kStart + day - Nanos{1}) == Nanos{1});
  CHECK(buckets.take(key(2), tight, kStart + day) == Nanos::zero());
  CHECK(buckets.take(key(2), tight, kStart + std::chrono::hours{24 * 365 * 200}) == Nanos::zero());
  // More than one token per nanosecond, and a fraction of one.
  const RateRule fast = rule(most, milliseconds{1}, 5);
  CHECK(taken(buckets, fast, kStart, 10, 3) == 5);
  CHECK(taken(buckets, fast, kStart + Nanos{1}, 10, 3) == 5);
  const RateRule third = rule(3, milliseconds{1}, 1);
  CHECK(taken(buckets, third, kStart, 10, 4) == 1);
  CHECK(taken(buckets, third, kStart + Nanos{333'333}, 10, 4) == 0);
  CHECK(taken(buckets, third, kStart + Nanos{333'334}, 10, 4) == 1);
}

TEST_CASE("a clock that another worker read earlier takes nothing away", "[server][rate]") {
  RateBuckets buckets{100, kSeed};
  const RateRule two = rule(2, seconds{1});
  CHECK(buckets.take(key(1), two, kStart + seconds{1}) == Nanos::zero());
  CHECK(buckets.take(key(1), two, kStart) == Nanos::zero());
  CHECK(buckets.take(key(1), two, kStart) > Nanos::zero());
}
