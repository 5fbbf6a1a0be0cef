#include "config/load_parts.hpp"
#include "support/catch.hpp"

using namespace keepsake;

namespace {

std::string error_of(std::string_view url) {
  RedisConfig redis;
  std::string error;
  return parse_redis_url(url, redis, error) ? "none" : error;
}

}  // namespace

TEST_CASE("a redis URL names host, port, database and login", "[config][redis]") {
  RedisConfig redis;
  std::string error;
  SECTION("host alone") {
    REQUIRE(parse_redis_url("redis://cache", redis, error));
    CHECK(redis.host == "cache");
    CHECK(redis.port == 6379);
    CHECK(redis.database == 0);
    CHECK(redis.password.empty());
  }
  SECTION("everything") {
    REQUIRE(parse_redis_url("redis://ann:p%40s%2Fs@[::1]:7000/12", redis, error));
    CHECK(redis.user == "ann");
    CHECK(redis.password == "p@s/s");
    CHECK(redis.host == "::1");
    CHECK(redis.port == 7000);
    CHECK(redis.database == 12);
    CHECK_FALSE(redis.over_unix);
  }
  SECTION("a password without a user") {
    REQUIRE(parse_redis_url("redis://:secret@127.0.0.1:6379/", redis, error));
    CHECK(redis.user.empty());
    CHECK(redis.password == "secret");
  }
  SECTION("a unix socket") {
    REQUIRE(parse_redis_url("unix:/run/redis.sock?db=3", redis, error));
    CHECK(redis.over_unix);
    CHECK(redis.host == "/run/redis.sock");
    CHECK(redis.database == 3);
  }
  SECTION("a unix socket with a login") {
    REQUIRE(parse_redis_url("unix://:secret@/run/redis.sock", redis, error));
    CHECK(redis.password == "secret");
    CHECK(redis.host == "/run/redis.sock");
  }
  SECTION("a unix socket written as a URL") {
    REQUIRE(parse_redis_url("unix:///run/redis.sock", redis, error));
    CHECK(redis.host == "/run/redis.sock");
  }
}

TEST_CASE("rediss:// is the same over TLS", "[config][redis]") {
  RedisConfig redis;
  std::string error;
  REQUIRE(parse_redis_url("rediss://ann:pw@cache:7000/3", redis, error));
  CHECK(redis.tls);
  CHECK(redis.host == "cache");
  CHECK(redis.port == 7000);
  CHECK(redis.database == 3);
  CHECK(redis.password == "pw");
  RedisConfig plain;
  REQUIRE(parse_redis_url("redis://cache", plain, error));
  CHECK_FALSE(plain.tls);
}

TEST_CASE("a redis URL that cannot work is refused without repeating it", "[config][redis]") {
  CHECK(error_of("http://h").find("expected redis://") == 0);
  CHECK(error_of("redis://h/1x").find("database") != std::string::npos);
  CHECK(error_of("redis://h/65536").find("database") != std::string::npos);
  CHECK(error_of("redis://h/1/2").find("database") != std::string::npos);
  CHECK(error_of("redis://u@h").find("password is missing") != std::string::npos);
  CHECK(error_of("redis://u:%4@h").find("hexadecimal") != std::string::npos);
  CHECK(error_of("redis://").find("host") != std::string::npos);
  CHECK(error_of("redis://h:0").find("port 0") != std::string::npos);
  CHECK(error_of("redis://h:70000").find("port") != std::string::npos);
  CHECK(error_of("unix:run/x").find("absolute") != std::string::npos);
  CHECK(error_of("unix:/run/x?database=1").find("?db=") != std::string::npos);
  for (const char* url : {"rediss://:hunter2@h:0", "redis://:hunter2@h:0", "redis://:hunter2@h/x",
                          "unix://:hunter2@/run/", "x://:hunter2@h"}) {
    CHECK(error_of(url).find("hunter2") == std::string::npos);
  }
}
