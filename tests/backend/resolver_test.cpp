// The resolver with a name service that says what a test wants.

#include "backend/resolver.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <condition_variable>
#include <map>
#include <mutex>

#include "support/catch.hpp"
#include "support/link.hpp"

using namespace keepsake;
using test::kGuard;

namespace {

Endpoint at(unsigned number) {
  return asio::ip::tcp::endpoint{asio::ip::address_v4{0x0a000000U + number}, 80};
}

std::vector<BackendConfig> backend_of(const std::vector<std::string>& names) {
  std::vector<BackendConfig> backends(1);
  for (const std::string& name : names) {
    ServerConfig& server = backends[0].servers.emplace_back();
    server.url = "http://" + name;
    server.address.host = name;
    server.address.port = 80;
  }
  return backends;
}

// Answers that can be changed, reports that can be awaited.
class World {
 public:
  World() {
    Resolver::Options options;
    options.interval = Millis{1};
    // The thread may be asking when the resolver goes, and outlive it.
    options.lookup = [state = state_](const std::string& host, std::uint16_t) {
      const std::lock_guard lock(state->mutex);
      ++state->asked;
      state->changed.notify_all();
      return state->answers[host];
    };
    resolver = std::make_unique<Resolver>(
        [state = state_](const ServerConfig& server, const std::vector<Endpoint>& endpoints) {
          const std::lock_guard lock(state->mutex);
          state->reports.emplace_back(server.url, endpoints);
          state->changed.notify_all();
        },
        std::move(options));
  }

  using Report = std::pair<std::string, std::vector<Endpoint>>;

  void answer(const std::string& host, Resolved resolved) {
    const std::lock_guard lock(state_->mutex);
    state_->answers[host] = std::move(resolved);
  }
  Report report(std::size_t i) {
    std::unique_lock lock(state_->mutex);
    wait(lock, [this, i] { return state_->reports.size() > i; });
    return state_->reports[i];
  }
  // Until every name has been asked for twice more.
  void let_it_ask() {
    std::unique_lock lock(state_->mutex);
    const std::size_t enough = state_->asked + 2 * state_->answers.size() + 2;
    wait(lock, [this, enough] { return state_->asked >= enough; });
  }
  std::size_t reports() {
    const std::lock_guard lock(state_->mutex);
    return state_->reports.size();
  }

  std::unique_ptr<Resolver> resolver;

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, Resolved> answers;
    std::vector<Report> reports;
    std::size_t asked = 0;
  };
  template <class Happened>
  void wait(std::unique_lock<std::mutex>& lock, Happened happened) {
    REQUIRE(state_->changed.wait_for(lock, kGuard, happened));
  }

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

using Addresses = std::vector<Endpoint>;

}  // namespace

TEST_CASE("an answer is reported once, and again when it changes", "[backend][resolver]") {
  World world;
  world.answer("app", {{at(2), at(1)}, ""});
  world.resolver->watch(backend_of({"app"}));
  CHECK(world.report(0) == World::Report{"http://app", Addresses{at(1), at(2)}});
  world.answer("app", {{at(1), at(2), at(1)}, ""});
  world.let_it_ask();
  CHECK(world.reports() == 1);
  world.answer("app", {{at(3)}, ""});
  CHECK(world.report(1).second == Addresses{at(3)});
}

TEST_CASE("a failing or an empty answer keeps the last good one", "[backend][resolver]") {
  const Resolved bad = GENERATE(Resolved{{}, "Name or service not known"}, Resolved{{}, ""});
  World world;
  world.answer("app", {{at(1)}, ""});
  world.resolver->watch(backend_of({"app"}));
  world.report(0);
  world.answer("app", bad);
  world.let_it_ask();
  CHECK(world.reports() == 1);
  world.answer("app", {{at(1)}, ""});
  world.let_it_ask();
  CHECK(world.reports() == 1);
}

TEST_CASE("a name that does not resolve at first is reported when it does", "[backend][resolver]") {
  World world;
  world.answer("app", {{}, "Name or service not known"});
  world.answer("other", {{at(7)}, ""});
  world.resolver->watch(backend_of({"app", "other"}));
  CHECK(world.report(0).first == "http://other");
  world.let_it_ask();
  CHECK(world.reports() == 1);
  world.answer("app", {{at(1)}, ""});
  CHECK(world.report(1) == World::Report{"http://app", Addresses{at(1)}});
}

TEST_CASE("of a thousand addresses the same 64 are used, whatever their order",
          "[backend][resolver]") {
  Addresses thousand;
  for (unsigned i = 0; i < 1000; ++i) {
    thousand.push_back(at(i));
  }
  World world;
  world.answer("app", {thousand, ""});
  world.resolver->watch(backend_of({"app"}));
  CHECK(world.report(0).second == Addresses(thousand.begin(), thousand.begin() + 64));
  std::reverse(thousand.begin(), thousand.end());
  world.answer("app", {thousand, ""});
  world.let_it_ask();
  CHECK(world.reports() == 1);
}

TEST_CASE("a reload asks for new names at once and does not repeat what is known",
          "[backend][resolver]") {
  World world;
  world.answer("app", {{at(1)}, ""});
  world.answer("new", {{at(2)}, ""});
  world.resolver->watch(backend_of({"app"}));
  world.report(0);
  world.resolver->watch(backend_of({"new", "app", "127.0.0.1"}));
  CHECK(world.report(1).first == "http://new");
  world.let_it_ask();
  CHECK(world.reports() == 2);
}

TEST_CASE("names that are watched besides the configuration's are so over reloads",
          "[backend][resolver]") {
  World world;
  world.answer("announced", {{at(1)}, {}});
  const ServerConfig announced = backend_of({"announced"})[0].servers[0];
  world.resolver->watch_also(announced);
  CHECK(world.report(0).first == "http://announced");
  SECTION("a change is reported after a reload") {
    world.resolver->watch(backend_of({}));
    world.answer("announced", {{at(2)}, {}});
    CHECK(world.report(1) == World::Report{"http://announced", {at(2)}});
  }
  SECTION("a second wish is answered again") {
    world.resolver->watch_also(announced);
    CHECK(world.report(1) == World::Report{"http://announced", {at(1)}});
  }
  SECTION("an address is no name") {
    ServerConfig literal = announced;
    literal.url = "http://127.0.0.1";
    literal.address.host = "127.0.0.1";
    world.resolver->watch_also(literal);
    world.resolver->watch_also(announced);
    CHECK(world.report(1).first == "http://announced");
  }
}
