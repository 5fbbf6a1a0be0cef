#pragma once
// One worker's connection to Redis: commands of many exchanges go down it one behind the other and
// their replies come back in that order. Connects by itself, again and again, and tells nobody to
// wait for it for longer than session.redis.timeout: a command that cannot be answered in that time
// has failed. Called by redis_store and by the worker. Never throws, never blocks, never asks the
// DNS: the worker is told the addresses.
//
// Of hiredis only the reply parser is used. Its asynchronous half resolves names while the thread
// waits, and in version 0.14 knows no deadlines; Stream does all of it already.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/stream.hpp"
#include "base/task.hpp"
#include "config/config.hpp"
#include "store/redis_protocol.hpp"
#include "store/store_health.hpp"

namespace keepsake {

class RedisConnection {
 public:
  struct Context {
    asio::io_context& io;
    StreamList& streams;
    const Clock& clock;
    Random& random;
    StoreHealth& health;
  };

  // `endpoints` may be empty until set_endpoints is called.
  RedisConnection(const Context& context, const RedisConfig& config,
                  std::vector<Endpoint> endpoints);
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  const RedisConfig& config() const;
  void set_endpoints(std::vector<Endpoint> endpoints);

  // Sends one whole command. Null: it could not be asked, or did not answer in time. An error reply
  // is a reply.
  Task<RedisReply> call(std::string_view command);

  // Logs an error reply with its remedy, and remembers it for /readyz.
  void report_refusal(std::string_view text);
  void report(StoreTrouble trouble, std::string_view text);

  // The end: what waits fails, and nothing is left in the io_context.
  void stop();

 private:
  class Core;
  std::shared_ptr<Core> core_;  // lives on until its coroutines are done
};

}  // namespace keepsake
