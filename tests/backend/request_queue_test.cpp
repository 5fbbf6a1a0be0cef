// The queue of requests for places at servers, with two desks as of two workers on one thread: what
// is called in which order, and that no call is lost.

#include "backend/request_queue.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <future>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

constexpr SteadyTime kNow{std::chrono::hours{1}};
constexpr SteadyTime kLater = kNow + std::chrono::seconds{1};

// Places, and who may have them: what a backend with max_requests is.
struct World {
  asio::io_context io;
  StreamList streams;
  std::shared_ptr<RequestQueue> queue = std::make_shared<RequestQueue>();
  std::shared_ptr<QueueDesk> desks[2] = {std::make_shared<QueueDesk>(io, queue),
                                         std::make_shared<QueueDesk>(io, queue)};
  Stream client{io, streams};
  Stream gone{io, streams};
  std::size_t places = 0;
  std::string story;  // who got a place (its letter) or none ("letter!")

  bool take() {
    if (places == 0) {
      return false;
    }
    --places;
    return true;
  }
  void free_place() {
    ++places;
    queue->call();
  }
  void run() {
    io.restart();
    io.poll();
  }
};

Task<void> wait(World& world, char name, std::size_t desk, std::size_t most = 100,
                const Stream* client = nullptr) {
  QueueWaiter waiter{*world.desks[desk], (client != nullptr ? *client : world.client).interrupted(),
                     kLater};
  const QueueWaiter::Joined joined = waiter.join(most);
  if (joined == QueueWaiter::Joined::Full) {
    world.story += std::string{name} + "#";
    co_return;
  }
  bool look = joined == QueueWaiter::Joined::First;
  while (!look || !world.take()) {
    co_await waiter.called();
    if (waiter.over()) {
      world.story += std::string{name} + "!";
      co_return;
    }
    waiter.rejoin();
    look = true;
  }
  world.story += name;
}

}  // namespace

TEST_CASE("first come, first served, at whatever worker", "[backend][queue]") {
  World world;
  start(wait(world, 'a', 0));
  start(wait(world, 'b', 1));
  start(wait(world, 'c', 0));
  world.run();
  CHECK(world.story.empty());
  CHECK(world.queue->size() == 3);
  for (const char* expected : {"a", "ab", "abc"}) {
    world.free_place();
    world.run();
    CHECK(world.story == expected);
  }
  CHECK(world.queue->size() == 0);
  CHECK(world.queue->waited() == 3);
}

TEST_CASE("a place that came free before anybody waited is seen", "[backend][queue]") {
  World world;
  world.free_place();
  start(wait(world, 'a', 0));
  CHECK(world.story == "a");
}

TEST_CASE("several places at once serve several", "[backend][queue]") {
  World world;
  for (const char name : {'a', 'b', 'c', 'd'}) {
    start(wait(world, name, name == 'b' ? 1 : 0));
  }
  world.free_place();
  world.free_place();
  world.free_place();
  world.run();
  CHECK(world.story.size() == 3);
  CHECK(world.queue->size() == 1);
  world.free_place();
  world.run();
  CHECK(world.story.ends_with("d"));
}

TEST_CASE("the queue has a bound", "[backend][queue]") {
  World world;
  start(wait(world, 'a', 0, 2));
  start(wait(world, 'b', 1, 2));
  start(wait(world, 'c', 0, 2));
  start(wait(world, 'd', 0, 0));
  CHECK(world.story == "c#d#");
  CHECK(world.queue->overflowed() == 2);
  world.places = 2;
  world.queue->call_all();
  world.run();
  CHECK(world.story == "c#d#ab");
}

TEST_CASE("whoever has waited long enough, or whose client is gone, leaves", "[backend][queue]") {
  World world;
  start(wait(world, 'a', 0));
  start(wait(world, 'b', 1));
  start(wait(world, 'c', 0, 100, &world.gone));
  world.desks[0]->sweep(kNow);
  world.run();
  CHECK(world.story.empty());
  world.gone.interrupt();
  world.desks[0]->sweep(kNow);
  world.run();
  CHECK(world.story == "c!");
  CHECK(world.queue->timed_out() == 0);
  world.desks[0]->sweep(kLater);
  world.run();
  CHECK(world.story == "c!a!");
  CHECK(world.queue->timed_out() == 1);
  world.free_place();
  world.run();
  CHECK(world.story == "c!a!b");
}

TEST_CASE("a call to one that leaves just then goes to the next", "[backend][queue]") {
  World world;
  start(wait(world, 'a', 0, 100, &world.gone));
  start(wait(world, 'b', 1));
  world.free_place();
  world.gone.interrupt();
  world.run();
  CHECK(world.story == "a!b");
}

TEST_CASE("a call in vain costs nobody its place in the queue", "[backend][queue]") {
  World world;
  for (const char name : {'a', 'b', 'c'}) {
    start(wait(world, name, name == 'b' ? 1 : 0));
  }
  world.queue->call_all();
  world.run();
  CHECK(world.story.empty());
  for (int i = 0; i < 3; ++i) {
    world.free_place();
    world.run();
  }
  CHECK(world.story == "abc");
}

TEST_CASE("places that other threads free are never lost", "[backend][queue]") {
  // Two workers' threads take and give one place; each waits when there is none. Nothing wakes them
  // but the queue: a lost call would stop them for ever.
  struct Shared {
    std::shared_ptr<RequestQueue> queue = std::make_shared<RequestQueue>();
    std::atomic<int> places{1};
    bool take() {
      int now = places.load();
      while (now > 0 && !places.compare_exchange_weak(now, now - 1)) {
      }
      return now > 0;
    }
  } shared;
  constexpr int kRounds = 10'000;
  const auto worker = [&shared] {
    asio::io_context io{1};
    auto keep = asio::make_work_guard(io);
    StreamList streams;
    Stream client{io, streams};
    const auto desk = std::make_shared<QueueDesk>(io, shared.queue);
    int visitors = 2;
    const auto visit = [](Shared& all, QueueDesk& at, const Stream& who, int& left,
                          decltype(keep)& guard) -> Task<void> {
      for (int round = 0; round < kRounds; ++round) {
        QueueWaiter waiter{at, who.interrupted(), SteadyTime::max()};
        bool look = waiter.join(100) == QueueWaiter::Joined::First;
        while (!look || !all.take()) {
          co_await waiter.called();
          waiter.rejoin();
          look = true;
        }
        all.places.fetch_add(1);
        all.queue->call();
      }
      if (--left == 0) {
        guard.reset();
      }
    };
    start(visit(shared, *desk, client, visitors, keep));
    start(visit(shared, *desk, client, visitors, keep));
    io.run();
    return visitors;
  };
  auto one = std::async(std::launch::async, worker);
  auto two = std::async(std::launch::async, worker);
  CHECK(one.get() == 0);
  CHECK(two.get() == 0);
  CHECK(shared.queue->size() == 0);
  CHECK(shared.places == 1);
}
