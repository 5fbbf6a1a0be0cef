#pragma once
// Redis' protocol as redis_connection and redis_store speak it: commands are written by hand (they
// go into one buffer, without a copy), replies are parsed by hiredis. Knows nothing of sockets.

#include <hiredis/hiredis.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "store/store_health.hpp"

namespace keepsake {

struct RedisFree {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};
using RedisReply = std::unique_ptr<redisReply, RedisFree>;
using RedisReader = std::unique_ptr<redisReader, RedisFree>;

// RESP: an array of bulk strings.
void append_redis_command(std::span<const std::string_view> words, std::string& out);

// The bytes of a string, status or error reply; empty for any other.
std::string_view redis_text(const redisReply& reply);

// What an error reply means, and what a person can do about it.
StoreTrouble classify_redis_error(std::string_view text);
// Whether another server may stand behind the same name by now (a failover), so that a new
// connection may find what this one has not.
bool elsewhere(StoreTrouble trouble);
std::string_view remedy(StoreTrouble trouble);
std::string_view word_of(StoreTrouble trouble);  // as a label of a metric

}  // namespace keepsake
