#include "io/task.hpp"

#include <stdexcept>
#include <string>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

Task<int> at_once(int n) {
  co_return n;
}

Task<int> after(Wakeup& wakeup, int n) {
  co_await wakeup;
  co_return n;
}

Task<void> add(Wakeup& wakeup, int& sum) {
  sum += co_await at_once(1);
  sum += co_await after(wakeup, 10);
  sum += co_await at_once(100);
}

// Only sometimes a coroutine.
Task<int> perhaps(Wakeup* wakeup, int n) {
  if (wakeup != nullptr) {
    return after(*wakeup, n);
  }
  return n;
}

Task<void> wait_perhaps(Wakeup* wakeup, int& sum) {
  if (wakeup != nullptr) {
    return add(*wakeup, sum);
  }
  return {};
}

Task<void> add_perhaps(Wakeup* wakeup, int& sum) {
  sum += co_await perhaps(nullptr, 1);
  co_await wait_perhaps(nullptr, sum);
  sum += co_await perhaps(wakeup, 10);
  co_await wait_perhaps(wakeup, sum);
  sum += co_await perhaps(nullptr, 1000);
}

Task<int> fail(Wakeup* wakeup) {
  if (wakeup != nullptr) {
    co_await *wakeup;
  }
  throw std::runtime_error("no");
}

Task<void> catching(Wakeup* wakeup, std::string& what) {
  try {
    co_await fail(wakeup);
  } catch (const std::exception& error) {
    what = error.what();
  }
}

Task<void> many(int n, int& sum) {
  for (int i = 0; i < n; ++i) {
    sum += co_await at_once(1);
  }
}

Task<int> nested(int depth) {
  if (depth == 0) {
    co_return 0;
  }
  const int below = co_await nested(depth - 1);
  co_return below + 1;
}

Task<void> store(int depth, int& result) {
  result = co_await nested(depth);
}

struct Counted {
  explicit Counted(int& n) : alive(n) { ++alive; }
  ~Counted() { --alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  int& alive;
};

Task<void> holding(Wakeup& wakeup, int& alive) {
  const Counted counted{alive};
  co_await wakeup;
}

}  // namespace

TEST_CASE("a step that knows its result at once is awaited like one that waits", "[base][task]") {
  int sum = 0;
  SECTION("nothing waits") {
    start(add_perhaps(nullptr, sum));
    CHECK(sum == 1011);
  }
  SECTION("two of five wait") {
    Wakeup wakeup;
    start(add_perhaps(&wakeup, sum));
    CHECK(sum == 1);
    REQUIRE(wakeup.waiting());
    wakeup.wake();
    CHECK(sum == 12);  // of the second, what comes before it waits
    REQUIRE(wakeup.waiting());
    wakeup.wake();
    CHECK(sum == 1122);
    CHECK_FALSE(wakeup.waiting());
  }
}

TEST_CASE("a task runs until it first waits and goes on when it is woken", "[base][task]") {
  Wakeup wakeup;
  int sum = 0;
  start(add(wakeup, sum));
  CHECK(sum == 1);
  CHECK(wakeup.waiting());
  wakeup.wake();
  CHECK(sum == 111);
  CHECK_FALSE(wakeup.waiting());
}

TEST_CASE("waking nobody is harmless", "[base][task]") {
  Wakeup wakeup;
  wakeup.wake();
  CHECK_FALSE(wakeup.waiting());
}

TEST_CASE("a task that is never awaited never runs", "[base][task]") {
  int sum = 0;
  Wakeup wakeup;
  {
    const Task<void> unused = add(wakeup, sum);
  }
  CHECK(sum == 0);
}

TEST_CASE("an exception reaches whoever awaits, at once or later", "[base][task]") {
  std::string what;
  start(catching(nullptr, what));
  CHECK(what == "no");
  what.clear();
  Wakeup wakeup;
  start(catching(&wakeup, what));
  CHECK(what.empty());
  wakeup.wake();
  CHECK(what == "no");
}

TEST_CASE("a million awaits that do not wait use no stack", "[base][task]") {
  int sum = 0;
  start(many(1'000'000, sum));
  CHECK(sum == 1'000'000);
}

TEST_CASE("tasks nest", "[base][task]") {
  int result = -1;
  start(store(500, result));
  CHECK(result == 500);
}

TEST_CASE("what a task holds is destroyed when it ends", "[base][task]") {
  Wakeup wakeup;
  int alive = 0;
  start(holding(wakeup, alive));
  CHECK(alive == 1);
  wakeup.wake();
  CHECK(alive == 0);
}
