#include "store/redis_slots.hpp"

#include <fmt/format.h>

#include <string>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

RedisReply parse(const std::string& bytes) {
  RedisReader reader{redisReaderCreate()};
  redisReaderFeed(reader.get(), bytes.data(), bytes.size());
  void* parsed = nullptr;
  redisReaderGetReply(reader.get(), &parsed);
  return RedisReply{static_cast<redisReply*>(parsed)};
}

std::string bulk(std::string_view text) {
  return fmt::format("${}\r\n{}\r\n", text.size(), text);
}

// One range with one server, and `more` for what stands behind its id.
std::string range(int first, int last, std::string_view host, int port,
                  const std::string& more = "") {
  return fmt::format("*3\r\n:{}\r\n:{}\r\n*{}\r\n{}:{}\r\n{}{}", first, last, more.empty() ? 3 : 4,
                     bulk(host), port, bulk("id"), more);
}

const RedisServer kAsked{"10.0.0.1", 7000};

}  // namespace

TEST_CASE("a key has the slot that Redis Cluster says it has", "[store][redis][cluster]") {
  // Appendix A of the cluster specification, and CLUSTER KEYSLOT of a server.
  CHECK(redis_slot("123456789") == 0x31C3 % 16384);
  CHECK(redis_slot("") == 0);
  CHECK(redis_slot("foo") == 12182);
  CHECK(redis_slot("somekey") == 11058);
  CHECK(redis_slot("foo{hash_tag}") == 2515);
  CHECK(redis_slot("bar{hash_tag}") == 2515);
}

TEST_CASE("what stands in the first braces decides, unless it is nothing",
          "[store][redis][cluster]") {
  CHECK(redis_slot("{user1000}.following") == redis_slot("user1000"));
  CHECK(redis_slot("foo{}{bar}") != redis_slot("bar"));
  CHECK(redis_slot("foo{{bar}}zap") == redis_slot("{bar"));
  CHECK(redis_slot("foo{bar}{zap}") == redis_slot("bar"));
  CHECK(redis_slot("foo{bar") != redis_slot("bar"));
}

TEST_CASE("a redirection says whether to stay, which slot and where", "[store][redis][cluster]") {
  const auto moved = parse_redirection("MOVED 3999 127.0.0.1:6381");
  REQUIRE(moved);
  CHECK_FALSE(moved->ask);
  CHECK(moved->slot == 3999);
  CHECK(moved->server == RedisServer{"127.0.0.1", 6381});
  const auto ask = parse_redirection("ASK 16383 ::1:6382");
  REQUIRE(ask);
  CHECK(ask->ask);
  CHECK(ask->server == RedisServer{"::1", 6382});
  const auto same = parse_redirection("MOVED 1 :6381");
  REQUIRE(same);
  CHECK(same->server.host.empty());
  for (const char* text : {"MOVED", "MOVED x 127.0.0.1:1", "MOVED 16384 127.0.0.1:1",
                           "MOVED 1 127.0.0.1", "MOVED 1 127.0.0.1:0", "MOVED 1 127.0.0.1:70000",
                           "ERR MOVED 1 127.0.0.1:1", "ASKING", ""}) {
    INFO(text);
    CHECK_FALSE(parse_redirection(text));
  }
}

TEST_CASE("the slots of a cluster are those that CLUSTER SLOTS lists", "[store][redis][cluster]") {
  RedisSlots slots;
  CHECK(slots.find(0) == nullptr);
  const RedisReply reply = parse("*3\r\n" + range(0, 5460, "10.0.0.1", 7000) +
                                 range(5461, 10922, "", 7001) + range(10923, 16000, "::1", 7002));
  REQUIRE(slots.read(*reply, kAsked));
  REQUIRE(slots.find(0) != nullptr);
  CHECK(*slots.find(5460) == RedisServer{"10.0.0.1", 7000});
  CHECK(*slots.find(5461) == RedisServer{"10.0.0.1", 7001});
  CHECK(*slots.find(16000) == RedisServer{"::1", 7002});
  CHECK(slots.find(16001) == nullptr);
  CHECK(slots.servers().size() == 3);
  SECTION("a redirection corrects one") {
    slots.set(5460, {"10.0.0.9", 7009});
    CHECK(*slots.find(5460) == RedisServer{"10.0.0.9", 7009});
    CHECK(*slots.find(5459) == RedisServer{"10.0.0.1", 7000});
  }
  SECTION("what is no list of slots changes nothing") {
    for (const char* other :
         {"-ERR unknown command\r\n", "*0\r\n", "*1\r\n:1\r\n", "*1\r\n*2\r\n:0\r\n:1\r\n",
          "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n"}) {
      INFO(other);
      CHECK_FALSE(slots.read(*parse(other), kAsked));
      CHECK(*slots.find(0) == RedisServer{"10.0.0.1", 7000});
    }
  }
}

TEST_CASE("a server goes by the name that the cluster wants it to be called by",
          "[store][redis][cluster]") {
  RedisSlots slots;
  const std::string more =
      "*4\r\n" + bulk("hostname") + bulk("node-1") + bulk("ip") + bulk("10.0.0.5");
  const RedisReply reply = parse("*1\r\n" + range(0, 16383, "node-1", 7000, more));
  REQUIRE(slots.read(*reply, kAsked));
  CHECK(*slots.find(1) == RedisServer{"node-1", 7000});
  // Without one it is where the answer came from.
  for (const char* unknown : {"", "?"}) {
    REQUIRE(slots.read(*parse("*1\r\n" + range(0, 16383, unknown, 7001, more)), kAsked));
    CHECK(*slots.find(1) == RedisServer{kAsked.host, 7001});
  }
}
