// The parts of the Redis store that need no Redis; the rest is tests/interop/redis_test.py.

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "store/redis_greeting.hpp"
#include "store/redis_protocol.hpp"
#include "store/redis_queue.hpp"
#include "store/store_health.hpp"
#include "support/catch.hpp"

using namespace keepsake;
using namespace std::chrono_literals;

namespace {

constexpr SteadyTime kNow{1h};

struct Waiter {
  PendingCommand pending{};
  bool done = false;
  bool answered = false;
};

Task<void> wait(Waiter& waiter) {
  co_await waiter.pending.done;
  waiter.done = true;
  waiter.answered = waiter.pending.reply != nullptr;
}

struct Queue {
  RedisQueue queue;
  std::vector<std::unique_ptr<Waiter>> waiters;

  Queue() = default;
  ~Queue() { queue.fail_all(kNow); }  // whoever waits still ends
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  Waiter& ask() {
    waiters.push_back(std::make_unique<Waiter>());
    waiters.back()->pending.deadline = kNow + 1h;
    queue.push(waiters.back()->pending, kNow + 1s);
    start(wait(*waiters.back()));
    return *waiters.back();
  }
  static RedisReply reply() {
    RedisReader reader{redisReaderCreate()};
    redisReaderFeed(reader.get(), "+OK\r\n", 5);
    void* parsed = nullptr;
    redisReaderGetReply(reader.get(), &parsed);
    return RedisReply{static_cast<redisReply*>(parsed)};
  }
};

}  // namespace

TEST_CASE("a command for redis is an array of counted strings", "[store][redis]") {
  std::string out = "x";
  const std::string_view words[] = {"SET", "", std::string_view{"a\r\n\0b", 5}};
  append_redis_command(words, out);
  CHECK(out == std::string{"x*3\r\n$3\r\nSET\r\n$0\r\n\r\n$5\r\na\r\n\0b\r\n", 31});
}

TEST_CASE("a new connection logs in, chooses its database and brings the scripts",
          "[store][redis]") {
  RedisConfig config;
  const std::string hello = "*1\r\n$5\r\nHELLO\r\n*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n";
  RedisGreeting greeting = redis_greeting(config);
  CHECK(greeting.required == 0);
  CHECK(greeting.replies == 7);
  CHECK(greeting.commands.starts_with(hello));
  config.password = "pw";
  config.database = 7;
  greeting = redis_greeting(config);
  CHECK(greeting.required == 2);
  CHECK(greeting.replies == 9);
  CHECK(greeting.commands.starts_with(
      "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n7\r\n" + hello));
  config.user = "me";
  greeting = redis_greeting(config);
  CHECK(greeting.required == 2);
  CHECK(greeting.commands.starts_with("*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$2\r\npw\r\n"));
}

TEST_CASE("an old server or an access list may refuse HELLO and SCRIPT, not the rest",
          "[store][redis]") {
  CHECK(
      is_optional_refusal("NOPERM this user has no permissions to run the 'script|load' command"));
  CHECK(is_optional_refusal("ERR unknown command `HELLO`, with args beginning with: "));
  CHECK_FALSE(
      is_optional_refusal("NOAUTH HELLO must be called with the client already "
                          "authenticated"));
  CHECK_FALSE(is_optional_refusal("LOADING Redis is loading the dataset in memory"));
}

TEST_CASE("HELLO says whether a server is a replica, and whether it is in a cluster",
          "[store][redis]") {
  const auto role = [](std::string_view mode, std::string_view word) {
    RedisReader reader{redisReaderCreate()};
    const std::string bytes = fmt::format(
        "*6\r\n$2\r\nid\r\n:7\r\n$4\r\nmode\r\n${}\r\n{}\r\n$4\r\nrole\r\n${}\r\n{}\r\n",
        mode.size(), mode, word.size(), word);
    redisReaderFeed(reader.get(), bytes.data(), bytes.size());
    void* parsed = nullptr;
    redisReaderGetReply(reader.get(), &parsed);
    const RedisReply reply{static_cast<redisReply*>(parsed)};
    return redis_role(*reply);
  };
  CHECK_FALSE(role("standalone", "master").replica);
  CHECK_FALSE(role("standalone", "master").in_cluster);
  CHECK(role("standalone", "replica").replica);
  CHECK(role("cluster", "master").in_cluster);
}

TEST_CASE("the servers that a name service is asked about are those of the configuration",
          "[store][redis]") {
  RedisConfig config;
  config.host = "redis";
  const auto urls = [&config] {
    std::vector<std::string> all;
    for (const ServerConfig& server : redis_named_servers(config)) {
      all.push_back(server.url);
    }
    return all;
  };
  CHECK(urls() == std::vector<std::string>{"redis://redis:6379"});
  config.tls.emplace();
  config.sentinels = {{"s1", 26379}, {"s2", 26380}};
  CHECK(urls() == std::vector<std::string>{"redis://s1:26379", "redis://s2:26380"});
  config.sentinel_tls.emplace();
  CHECK(urls().front() == "rediss://s1:26379");
  config.sentinels.clear();
  config.cluster = {{"c1", 7000}};
  CHECK(urls() == std::vector<std::string>{"rediss://c1:7000"});
}

TEST_CASE("a Sentinel is asked for the master after a login, if it wants one", "[store][redis]") {
  RedisConfig config;
  config.master = "mymaster";
  const std::string question =
      "*3\r\n$8\r\nSENTINEL\r\n$23\r\nGET-MASTER-ADDR-BY-NAME\r\n$8\r\nmymaster\r\n";
  CHECK(sentinel_question(config).commands == question);
  CHECK(sentinel_question(config).replies == 1);
  config.sentinel_password = "pw";
  CHECK(sentinel_question(config).commands == "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n" + question);
  CHECK(sentinel_question(config).replies == 2);
}

TEST_CASE("a Sentinel's answer is an address and a port, or none", "[store][redis]") {
  const auto read = [](std::string_view bytes) {
    RedisReader reader{redisReaderCreate()};
    redisReaderFeed(reader.get(), bytes.data(), bytes.size());
    void* parsed = nullptr;
    redisReaderGetReply(reader.get(), &parsed);
    const RedisReply reply{static_cast<redisReply*>(parsed)};
    return master_of(*reply);
  };
  const std::optional<RedisServer> master = read("*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6380\r\n");
  REQUIRE(master);
  CHECK(master->host == "127.0.0.1");
  CHECK(master->port == 6380);
  for (const std::string_view none :
       {"*-1\r\n", "$-1\r\n", "*2\r\n$0\r\n\r\n$4\r\n6380\r\n", "*2\r\n$1\r\nh\r\n$1\r\n0\r\n",
        "*2\r\n$1\r\nh\r\n$5\r\n65536\r\n", "*1\r\n$1\r\nh\r\n", "*2\r\n*0\r\n:6\r\n"}) {
    INFO(none);
    CHECK_FALSE(read(none));
  }
}

TEST_CASE("errors of a failover send the connection elsewhere, others do not", "[store][redis]") {
  for (const std::string_view text :
       {"READONLY You can't write against a read only replica.",
        "LOADING Redis is loading the dataset in memory",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "CLUSTERDOWN The cluster is down"}) {
    INFO(text);
    CHECK(elsewhere(classify_redis_error(text)));
  }
  for (const std::string_view text :
       {"OOM command not allowed when used memory > 'maxmemory'.",
        "NOAUTH Authentication required.", "MOVED 3999 127.0.0.1:6381",
        "NOSCRIPT No matching script."}) {
    INFO(text);
    CHECK_FALSE(elsewhere(classify_redis_error(text)));
  }
}

TEST_CASE("redis is named in logs without its password", "[store][redis]") {
  RedisConfig config;
  config.user = "me";
  config.password = "pw";
  CHECK(redis_server(config).url == "redis://127.0.0.1:6379");
  config.host = "::1";
  CHECK(redis_server(config).url == "redis://[::1]:6379");
  config.over_unix = true;
  config.host = "/run/redis.sock";
  CHECK(redis_server(config).url == "redis at unix:/run/redis.sock");
}

TEST_CASE("an error reply is told apart by what a person must do", "[store][redis]") {
  const auto [text, trouble] = GENERATE(table<std::string, StoreTrouble>({
      {"OOM command not allowed when used memory > 'maxmemory'. script: 1, on @user_script:4.",
       StoreTrouble::Full},
      {"ERR Error running script (call to f_1): @user_script:5: OOM command not allowed when used "
       "memory > "
       "'maxmemory'.",
       StoreTrouble::Full},
      {"READONLY You can't write against a read only replica.", StoreTrouble::ReadOnly},
      {"LOADING Redis is loading the dataset in memory", StoreTrouble::Loading},
      {"NOAUTH Authentication required.", StoreTrouble::Login},
      {"WRONGPASS invalid username-password pair or user is disabled.", StoreTrouble::Login},
      {"ERR invalid password", StoreTrouble::Login},
      {"ERR Client sent AUTH, but no password is set", StoreTrouble::Login},
      {"ERR AUTH <password> called without any password configured for the default user.",
       StoreTrouble::Login},
      {"MISCONF Redis is configured to save RDB snapshots", StoreTrouble::Disk},
      {"NOPERM this user has no permissions to run the 'hset' command", StoreTrouble::Forbidden},
      {"ERR The user executing the script can't run this command or subcommand script: 1",
       StoreTrouble::Forbidden},
      {"NOREPLICAS Not enough good replicas to write.", StoreTrouble::Replicas},
      {"UNBLOCKED force unblock from blocking operation, instance state changed (master -> "
       "replica?)",
       StoreTrouble::ReadOnly},
      {"TRYAGAIN Multiple keys request during rehashing of slot", StoreTrouble::Cluster},
      {"ERR max number of clients reached", StoreTrouble::Other},
  }));
  CHECK(classify_redis_error(text) == trouble);
  CHECK_FALSE(remedy(trouble).empty());
}

TEST_CASE("replies go to those who asked, in their order", "[store][redis]") {
  Queue q;
  Waiter& first = q.ask();
  Waiter& second = q.ask();
  q.queue.answer(Queue::reply());
  CHECK(first.answered);
  CHECK_FALSE(second.done);
  CHECK(q.queue.first() == &second.pending);
  Waiter& third = q.ask();
  q.queue.fail_all(kNow);
  CHECK(second.done);
  CHECK_FALSE(second.answered);
  CHECK(third.done);
  CHECK(q.queue.first() == nullptr);
}

TEST_CASE("whoever waits for a connection waits no longer than the timeout", "[store][redis]") {
  Queue q;
  Waiter& first = q.ask();
  Waiter& second = q.ask();
  first.pending.deadline = kNow;
  second.pending.deadline = kNow + 1ms;
  CHECK(q.queue.due() == kNow);
  q.queue.fail_late(kNow, 0);
  CHECK(first.done);
  CHECK_FALSE(first.answered);
  CHECK_FALSE(second.done);
  CHECK(q.queue.first() == &second.pending);
  CHECK(q.queue.due() == kNow + 1ms);
}

TEST_CASE("a command behind others is late by its own deadline", "[store][redis]") {
  Queue q;
  Waiter& first = q.ask();
  Waiter& second = q.ask();
  Waiter& third = q.ask();
  second.pending.deadline = kNow;
  SECTION("and takes nothing with it when it was not sent") {
    q.queue.fail_late(kNow, 0);
    CHECK(q.queue.size() == 2);
    q.queue.answer(Queue::reply());
    q.queue.answer(Queue::reply());
  }
  SECTION("and its reply goes to no other when it was sent") {
    q.queue.fail_late(kNow, 3);
    CHECK(q.queue.size() == 3);
    CHECK(q.queue.due() == kNow + 1s);  // the connection may stay silent until then
    q.queue.answer(Queue::reply());
    CHECK(first.answered);
    q.queue.answer(Queue::reply());
    CHECK_FALSE(third.done);
    q.queue.answer(Queue::reply());
  }
  SECTION("and the last of all may be the late one") {
    third.pending.deadline = kNow;
    q.queue.fail_late(kNow, 1);
    CHECK(q.queue.size() == 1);
    q.queue.answer(Queue::reply());
    CHECK(third.done);
    CHECK_FALSE(third.answered);
    Waiter& fourth = q.ask();
    q.queue.answer(Queue::reply());
    CHECK(fourth.answered);
    return;
  }
  CHECK(first.answered);
  CHECK(second.done);
  CHECK_FALSE(second.answered);
  CHECK(third.answered);
  CHECK(q.queue.first() == nullptr);
}

TEST_CASE("the second of two replies is as late as the first", "[store][redis]") {
  Queue q;
  Waiter& asking = q.ask();
  asking.pending.replies = 2;
  Waiter& other = q.ask();
  CHECK_FALSE(q.queue.answer(Queue::reply()));
  asking.pending.deadline = kNow;
  q.queue.fail_late(kNow, 2);
  CHECK(asking.done);
  CHECK_FALSE(asking.answered);
  CHECK(q.queue.is_last_reply());
  CHECK(q.queue.answer(Queue::reply()));
  CHECK_FALSE(other.done);
  CHECK(q.queue.answer(Queue::reply()));
  CHECK(other.answered);
}

TEST_CASE("after three failures in a row nobody waits for a second, then one at a time",
          "[store][redis]") {
  Queue q;
  for (int i = 0; i < 2; ++i) {
    q.ask();
  }
  q.queue.fail_all(kNow);
  CHECK(q.queue.admits(kNow));
  SECTION("a reply forgets them") {
    q.ask();
    q.queue.answer(Queue::reply());
    q.ask();
    q.queue.fail_all(kNow);
    CHECK(q.queue.admits(kNow));
  }
  SECTION("one more opens the breaker") {
    q.ask();
    q.queue.fail_all(kNow);
    CHECK_FALSE(q.queue.admits(kNow));
    CHECK_FALSE(q.queue.admits(kNow + 999ms));
    REQUIRE(q.queue.admits(kNow + 1s));
    q.ask();
    CHECK_FALSE(q.queue.admits(kNow + 1s));
    SECTION("and if that fails too, it stays open") {
      q.queue.fail_all(kNow + 1s);
      CHECK_FALSE(q.queue.admits(kNow + 1999ms));
      CHECK(q.queue.admits(kNow + 2s));
    }
    SECTION("and if that is answered, all may ask") {
      q.queue.answer(Queue::reply());
      q.ask();
      CHECK(q.queue.admits(kNow + 1s));
    }
    SECTION("a new connection closes it") {
      q.queue.fail_all(kNow + 1s);
      q.queue.forgive();
      CHECK(q.queue.admits(kNow + 1s));
    }
  }
}

TEST_CASE("no more wait for redis than a bound", "[store][redis]") {
  Queue q;
  while (q.queue.admits(kNow)) {
    q.ask();
    REQUIRE(q.waiters.size() <= 4096);
  }
  CHECK(q.waiters.size() == 4096);
  q.queue.answer(Queue::reply());
  CHECK(q.queue.admits(kNow));
}

TEST_CASE("a store is degraded while a worker cannot reach it or it refuses", "[store][health]") {
  StoreHealth health;
  CHECK_FALSE(health.degraded(kNow));
  health.down();
  health.down();
  CHECK(health.degraded(kNow));
  CHECK_FALSE(health.up());
  CHECK(health.degraded(kNow));
  CHECK(health.up());
  CHECK_FALSE(health.degraded(kNow));
  health.refused(kNow);
  CHECK(health.degraded(kNow + 9s));
  CHECK_FALSE(health.degraded(kNow + 10s));
}

TEST_CASE("the log hears of each trouble once in ten seconds", "[store][health]") {
  StoreHealth health;
  CHECK(health.note(StoreTrouble::Full, kNow));
  CHECK_FALSE(health.note(StoreTrouble::Full, kNow + 9s));
  CHECK(health.note(StoreTrouble::Login, kNow + 9s));
  CHECK(health.note(StoreTrouble::Full, kNow + 10s));
  CHECK_FALSE(health.note(StoreTrouble::Full, kNow + 11s));
}
